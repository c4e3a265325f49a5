"""The page in a real browser: Debian's Chromium, headless."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from edge_caption.demo.panning import PHOTOS
from edge_caption.history.settings import HistorySettings
from edge_caption.history.store import History
from edge_caption.history.tables import history_path
from edge_caption.mqtt.broker import free_port
from tests.brokers import wait_for
from tests.conftest import ROOT, write_manifest
from tests.history.captions import record
from tests.web.node import ask, page, page_of
from tests.web.test_page import cameras

pytest.importorskip("uvicorn", reason="the page is an extra")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP: Any = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    bundle = ROOT / "tests" / "data" / "tiny_bundle"
    with page(bundle, PHOTOS, tmp_path_factory.mktemp("state")) as address:
        wait_for(lambda: ask(address, "/api/cameras/garden/frame").status == 200)
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def opened(browser: Browser, url: str) -> Iterator[Page]:
    """The page, once it shows both cameras; whatever goes wrong in it fails the test."""
    yield from open_page(browser, url, viewport=DESKTOP)


def open_page(browser: Browser, url: str, pictures: int = 2, **options: Any) -> Iterator[Page]:
    context = browser.new_context(**options)
    shown = context.new_page()
    problems: list[str] = []
    shown.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    shown.on("pageerror", lambda error: problems.append(str(error)))
    elsewhere: list[str] = []
    own = (url.partition("?")[0], f"blob:{url.partition('?')[0]}")
    shown.on("request", lambda request: None if request.url.startswith(own) else elsewhere.append(request.url))
    shown.goto(url)
    playwright.expect(shown.locator(".picture.has")).to_have_count(pictures)
    yield shown
    context.close()
    assert not problems
    assert not elsewhere


def test_a_word_shows_where_it_was_seen_by_mouse_and_by_keyboard(opened: Page) -> None:
    card = opened.locator(".card").first
    words = card.locator(".words button")
    words.first.hover()
    playwright.expect(card.locator(".box")).to_be_visible()
    playwright.expect(card.locator(".picture")).to_have_class(re.compile("looking"))
    assert card.locator("canvas").evaluate("canvas => canvas.width") > 1
    held = card.locator(".words").inner_text()
    opened.wait_for_timeout(800)
    assert card.locator(".words").inner_text() == held
    playwright.expect(card.locator(".held")).to_be_visible()
    opened.mouse.move(5, 5)
    playwright.expect(card.locator(".box")).to_be_hidden()
    words.first.focus()
    opened.keyboard.press("ArrowRight")
    playwright.expect(words.nth(1)).to_be_focused()
    playwright.expect(words.nth(1)).to_have_attribute("aria-pressed", "true")
    playwright.expect(card.locator(".box")).to_be_visible()


def test_who_lets_go_of_a_word_stays_where_they_are(opened: Page) -> None:
    words = opened.locator(".card").nth(1).locator(".words")
    words.locator("button").first.focus()
    opened.keyboard.press("ArrowRight")
    opened.keyboard.press("Escape")
    before = opened.locator(".card img").nth(1).get_attribute("src")
    wait_for(lambda: opened.locator(".card img").nth(1).get_attribute("src") != before)
    playwright.expect(opened.locator(".card").nth(1).locator(".held")).to_be_hidden()
    assert words.evaluate("words => words.contains(document.activeElement)")
    opened.keyboard.press("ArrowRight")
    playwright.expect(words.locator("button").first).to_be_focused()
    playwright.expect(opened.locator(".card").nth(1).locator(".held")).to_be_visible()


def test_the_picture_moves_on_by_itself(opened: Page) -> None:
    image = opened.locator(".card img").first
    first = image.get_attribute("src")
    playwright.expect(image).not_to_have_attribute("src", first or "")
    assert image.evaluate("image => image.naturalWidth") > 100
    assert re.fullmatch(r"\d+%", opened.locator(".confidence").first.inner_text())
    assert re.fullmatch(r"\d+ ms", opened.locator(".latency").first.inner_text())


def test_a_camera_is_paused_and_resumed(opened: Page) -> None:
    card = opened.locator(".card").first
    card.get_by_role("button", name="Pause").click()
    playwright.expect(card.locator(".state")).to_have_text("paused")
    card.get_by_role("button", name="Resume").click()
    playwright.expect(card.locator(".state")).to_have_text("captioning")


def test_history_is_searched(opened: Page) -> None:
    playwright.expect(opened.locator("#records li").first).to_be_visible()
    word = opened.locator("#records .what").first.inner_text().split()[0]
    opened.get_by_label("Search").fill(word)
    playwright.expect(opened.locator("#found")).to_contain_text("found")
    assert all(word in text for text in opened.locator("#records .caption .what").all_inner_texts())
    opened.get_by_label("Search").fill("xyzzy")
    playwright.expect(opened.locator("#records li")).to_have_count(0)


def draw(shown: Page, begin: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag from one place of the first picture to another, both as shares of its size."""
    box = shown.locator(".board").first.bounding_box()
    assert box
    shown.mouse.move(box["x"] + begin[0] * box["width"], box["y"] + begin[1] * box["height"])
    shown.mouse.down()
    shown.mouse.move(box["x"] + end[0] * box["width"], box["y"] + end[1] * box["height"], steps=3)
    shown.mouse.up()


def masks(url: str) -> Any:
    """Return the masks of the first camera, as a browser that comes anew is told."""
    return cameras(url)["porch"]["masks"]


@pytest.fixture
def drawing(opened: Page, url: str) -> Iterator[Page]:
    """The page with the first camera's masks open."""
    opened.locator(".card").first.get_by_role("button", name="Masks").click()
    playwright.expect(opened.locator(".board").first).to_be_focused()
    yield opened
    ask(url, "/api/cameras/porch/masks", "POST", b"null")


def test_a_mask_is_drawn_with_the_mouse_and_taken_away(drawing: Page, url: str) -> None:
    card = drawing.locator(".card").first
    draw(drawing, (0.1, 0.2), (0.4, 0.6))
    playwright.expect(card.locator(".told")).to_have_text("The mask is saved.")
    (mask,) = masks(url)
    assert mask == [pytest.approx(corner, abs=0.01) for corner in ([0.1, 0.2], [0.4, 0.2], [0.4, 0.6], [0.1, 0.6])]
    playwright.expect(card.locator("polygon.hidden")).to_have_count(1)
    box = card.locator(".board").bounding_box()
    assert box
    for x, y in ((0.6, 0.3), (0.9, 0.3), (0.75, 0.7), (0.602, 0.302)):  # the last is near the first: it closes
        drawing.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    playwright.expect(card.locator("polygon.hidden")).to_have_count(2)
    assert masks(url)[1] == [pytest.approx(corner, abs=0.01) for corner in ([0.6, 0.3], [0.9, 0.3], [0.75, 0.7])]
    card.get_by_role("button", name="Remove mask 1").click()
    playwright.expect(card.locator("polygon.hidden")).to_have_count(1)
    assert len(masks(url)) == 1
    card.get_by_role("button", name="Remove all").click()
    playwright.expect(card.locator("polygon.hidden")).to_have_count(0)
    assert masks(url) == []
    card.get_by_role("button", name="Done").click()
    playwright.expect(card.locator(".board")).to_be_hidden()
    playwright.expect(card.get_by_role("button", name="Masks")).to_be_focused()


def test_a_mask_is_drawn_with_the_keyboard(drawing: Page, url: str) -> None:
    card = drawing.locator(".card").first
    drawing.keyboard.press("Enter")
    playwright.expect(card.locator(".told")).to_contain_text("Set two corners")
    drawing.keyboard.press("Shift+ArrowLeft")
    playwright.expect(card.locator(".told")).to_have_text("40% across, 50% down")
    drawing.keyboard.press("Space")
    for key in ("Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowDown", "ArrowDown", "Space", "Enter"):
        drawing.keyboard.press(key)
    playwright.expect(card.locator(".told")).to_have_text("The mask is saved.")
    (mask,) = masks(url)
    assert mask == [pytest.approx(corner) for corner in ([0.4, 0.5], [0.6, 0.5], [0.6, 0.62], [0.4, 0.62])]
    drawing.keyboard.press("Space")
    drawing.keyboard.press("Escape")  # the shape goes
    playwright.expect(card.locator(".corner")).to_have_count(0)
    drawing.keyboard.press("Escape")
    playwright.expect(card.locator(".board")).to_be_hidden()
    drawing.reload()
    playwright.expect(drawing.locator(".card").first.locator("polygon.hidden")).to_have_count(1)


def test_what_is_too_small_or_refused_is_no_mask(drawing: Page, url: str) -> None:
    card = drawing.locator(".card").first
    draw(drawing, (0.1, 0.2), (0.4, 0.2))
    playwright.expect(card.locator(".told")).to_have_text("That is too small; draw it larger.")
    assert masks(url) == []


def test_troubles_and_alerts_are_shown(browser: Browser, tmp_path: Path) -> None:
    dark = tmp_path / "dark"
    dark.mkdir()
    for number in range(3):
        cv2.imwrite(str(dark / f"{number}.png"), np.full((240, 320, 3), 3 + number, np.uint8))
    walkers = cv2.imread(str(PHOTOS / "walkers.jpg"))
    assert walkers is not None
    album = tmp_path / "album"
    album.mkdir()
    config = tmp_path / "settings.toml"
    config.write_text(
        f"""
state_dir = "{tmp_path}/state"
[[cameras]]
name = "path"
source = "{album}"
watch = true
[[cameras]]
name = "hall"
source = "{dark}"
loop = true
fps = 5
[[cameras]]
name = "yard"
source = "http://127.0.0.1:9/snap.jpg"
[[alerts]]
name = "box"
words = "black box"
"""
    )
    with page_of(ROOT / "tests" / "data" / "tiny_bundle", config) as address:
        for shown in open_page(browser, address, pictures=0, viewport=DESKTOP):
            cards = shown.locator(".card")
            playwright.expect(cards.nth(0).locator(".state")).to_have_text("waiting for its first picture")
            cv2.imwrite(str(album / "1.png"), walkers)
            playwright.expect(shown.get_by_role("alert")).to_contain_text("Alert: box at path")
            playwright.expect(shown.get_by_role("alert")).to_contain_text("black box")
            playwright.expect(cards.nth(1).locator(".trouble")).to_have_text("the picture shows nothing: it is dark")
            playwright.expect(cards.nth(2).locator(".trouble")).to_contain_text("no picture: http://127.0.0.1:9/")
            playwright.expect(shown.locator("#records")).to_contain_text("Shows nothing: it is dark")
            playwright.expect(shown.locator("#records")).to_contain_text("Alert box: a big black box")
            assert violations(shown) == []
            shown.get_by_role("button", name="Dismiss").click()
            playwright.expect(shown.locator(".alert")).to_have_count(0)


def test_what_comes_while_the_history_is_fetched_is_kept(opened: Page, url: str) -> None:
    def answer_late(route: Route) -> None:
        fetched = route.fetch()
        opened.wait_for_timeout(1500)
        route.fulfill(response=fetched)

    opened.route("**/api/history*", answer_late)
    with opened.expect_response("**/api/history*"):
        opened.locator("#search").dispatch_event("input")
    playwright.expect(opened.locator("#records li").nth(3)).to_be_visible()
    opened.wait_for_timeout(1000)
    ids = opened.locator("#records li").evaluate_all("lines => lines.map(line => line.dataset.id)")
    assert len(ids) > 3
    # What the node has from the oldest to the newest of them; a busy machine's page misses frames, and their captions.
    has = [one["id"] for one in json.loads(ask(url, "/api/history").body)["records"]]
    assert ids == has[has.index(ids[0]) : has.index(ids[-1]) + 1]


def test_it_says_where_its_history_comes_from(browser: Browser, opened: Page, tmp_path: Path) -> None:
    playwright.expect(opened.locator("#found")).to_contain_text("of this start; run with --history")
    with page(ROOT / "tests" / "data" / "tiny_bundle", PHOTOS, tmp_path / "state", "--history") as address:
        for shown in open_page(browser, address, viewport=DESKTOP):
            playwright.expect(shown.locator("#found")).to_contain_text("in the history on this device")
            shown.get_by_label("Search").fill("boxes")
            playwright.expect(shown.locator("#records .what").first).to_contain_text("box")
            count = shown.locator("#records li").count()
            playwright.expect(shown.locator("#records li").nth(count + 3)).to_be_visible()  # new ones come


def test_what_is_doubtful_is_set_apart(browser: Browser, opened: Page, tmp_path: Path) -> None:
    playwright.expect(opened.locator(".words.doubtful")).to_have_count(0)
    bundle = Path(shutil.copytree(ROOT / "tests" / "data" / "tiny_bundle", tmp_path / "bundle"))
    manifest = json.loads((bundle / "manifest.json").read_text())
    unsure = {"meaning": "none is right", "intercept": -3.0, "mean_log_prob": 0.0, "words": 0.0, "figures": {}}
    write_manifest(bundle, {**manifest, "confidence": unsure})
    with page(bundle, PHOTOS, tmp_path / "state") as address:
        for shown in open_page(browser, address, viewport=DESKTOP):
            playwright.expect(shown.locator(".words.doubtful")).to_have_count(2)
            playwright.expect(shown.locator("dd.confidence").first).to_have_text("5%, doubtful")


def test_it_speaks_chinese_and_remembers_it(opened: Page) -> None:
    opened.get_by_label("Language").select_option("zh")
    playwright.expect(opened.get_by_role("heading", name="摄像头")).to_be_visible()
    assert opened.locator("html").get_attribute("lang") == "zh"
    opened.reload()
    playwright.expect(opened.get_by_role("heading", name="历史")).to_be_visible()
    said = opened.locator("body").inner_text()
    assert not re.search(r"\b(Cameras|Pause|Masks|History|Health|Search|Confidence)\b", said)


def test_every_text_is_there_in_both_languages() -> None:
    text = (ROOT / "edge_caption" / "web" / "static" / "texts.js").read_text("utf-8")
    parts = text.partition("};")[0].split("zh: {")
    english, chinese = (set(re.findall(r'[{,\s]"?([a-z][a-z_ ]*)"?: "', part)) for part in parts)
    assert english == chinese
    html = (ROOT / "edge_caption" / "web" / "static" / "index.html").read_text("utf-8")
    assert set(re.findall(r'data-say="([\w ]+)"', html)) <= english


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_everybody_can_use_it(browser: Browser, url: str, theme: str, viewport: dict[str, int]) -> None:
    """axe-core finds no violation, with a word looked at, and nothing is wider than the screen."""
    for shown in open_page(browser, url, viewport=viewport, color_scheme=theme):
        shown.locator(".words button").first.focus()
        shown.wait_for_timeout(300)
        assert violations(shown) == []
        shown.locator(".card").first.get_by_role("button", name="Masks").click()
        draw(shown, (0.1, 0.2), (0.4, 0.6))
        playwright.expect(shown.get_by_role("button", name="Remove mask 1")).to_be_visible()
        assert violations(shown) == []
        assert shown.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
        shown.get_by_role("button", name="Remove all").click()
        playwright.expect(shown.get_by_role("button", name="Remove mask 1")).to_have_count(0)


def violations(shown: Page) -> list[Any]:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed").Axe()
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = axe.run(shown, options={"runOnly": {"type": "tag", "values": tags}}).response["violations"]
    return [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]


def test_the_theme_is_the_systems_or_the_one_chosen(browser: Browser, url: str) -> None:
    for shown in open_page(browser, url, viewport=DESKTOP, color_scheme="dark"):
        ground = "getComputedStyle(document.body).backgroundColor"
        assert shown.evaluate(ground) == "rgb(16, 20, 21)"
        shown.get_by_label("Theme").select_option("light")
        assert shown.evaluate(ground) == "rgb(244, 246, 246)"


def test_the_token_is_gone_from_the_address(browser: Browser, tmp_path: Path) -> None:
    bundle = ROOT / "tests" / "data" / "tiny_bundle"
    with page(bundle, PHOTOS, tmp_path / "state", listen="0.0.0.0:0") as address:
        local = re.sub(r"//[^/]+:", "//127.0.0.1:", address)
        for shown in open_page(browser, local, viewport=DESKTOP):
            assert "token" not in shown.url
            shown.reload()
            playwright.expect(shown.locator(".picture.has")).to_have_count(2)


def test_long_names_leave_room_for_what_is_said(browser: Browser, tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    camera = f'[[cameras]]\nname = "%s"\nsource = "{PHOTOS}"\nloop = true\nfps = 2\n'
    names = ("the camera behind the house, above the door of the old barn", "garden" * 16)
    settings.write_text(f'state_dir = "{tmp_path}/state"\n' + "".join(camera % name for name in names))
    with page_of(ROOT / "tests" / "data" / "tiny_bundle", settings) as address:
        for width in (1280, 390, 320):
            for shown in open_page(browser, address, viewport={"width": width, "height": 844}):
                playwright.expect(shown.locator("#records li").nth(3)).to_be_attached()
                assert shown.evaluate("document.documentElement.scrollWidth") <= width
                widths = shown.locator("#records .what").evaluate_all("all => all.map(one => one.clientWidth)")
                assert min(widths) > 80
                names_shown = shown.locator(".card h3").evaluate_all("all => all.map(one => one.clientHeight)")
                assert max(names_shown) < 140


def refused(route: Route) -> None:
    route.fulfill(status=502, body="<h1>Bad gateway</h1>")


def test_a_picture_that_never_comes_keeps_no_other_away(browser: Browser, url: str) -> None:
    context = browser.new_context(viewport=DESKTOP)
    shown = context.new_page()
    hung: list[Route] = []
    shown.route("**/frame", lambda route: route.continue_() if len(hung) == 2 else hung.append(route))
    shown.goto(url)
    wait_for(lambda: shown.evaluate("1") and len(hung) == 2)
    playwright.expect(shown.locator(".picture.has")).to_have_count(2, timeout=15_000)
    context.close()


def test_it_tries_again_where_it_is_refused(browser: Browser, url: str) -> None:
    """A proxy answers so while the node starts again; a browser by itself would never come back."""
    context = browser.new_context(viewport=DESKTOP)
    shown = context.new_page()
    shown.route("**/api/events", refused)
    shown.goto(url)
    line = shown.locator("#connection")
    playwright.expect(line).to_have_text("The node lets nobody look (502); trying again…")
    shown.get_by_label("Language").select_option("zh")
    playwright.expect(line).to_have_text("节点拒绝连接(502),正在重试…")
    shown.unroute("**/api/events")
    playwright.expect(line).to_have_text("实时", timeout=10_000)
    playwright.expect(shown.locator(".picture.has")).to_have_count(2)
    context.close()


def test_what_did_not_work_is_said_for_a_while(browser: Browser, url: str) -> None:
    context = browser.new_context(viewport=DESKTOP)
    shown = context.new_page()
    shown.route("**/trigger", lambda route: route.fulfill(status=409, json={"error": "it is too dark"}))
    shown.goto(url)
    shown.get_by_role("button", name="Caption now").first.click()
    line = shown.locator("#connection")
    playwright.expect(line).to_have_text("That did not work: it is too dark")
    shown.get_by_label("Language").select_option("zh")
    playwright.expect(line).to_have_text("操作失败:it is too dark")
    playwright.expect(line).to_have_text("实时", timeout=12_000)
    context.close()


def test_a_browser_that_keeps_nothing_shows_it_all_the_same(browser: Browser, url: str) -> None:
    context = browser.new_context(viewport=DESKTOP)
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('denied', 'SecurityError'); }})"
    )
    shown = context.new_page()
    shown.goto(url)
    playwright.expect(shown.locator(".picture.has")).to_have_count(2)
    shown.get_by_label("Theme").select_option("dark")
    assert shown.locator("html").get_attribute("data-theme") == "dark"
    context.close()


def test_a_node_that_starts_again_with_other_cameras_is_shown_as_it_is(browser: Browser, tmp_path: Path) -> None:
    bundle, listen = ROOT / "tests" / "data" / "tiny_bundle", f"127.0.0.1:{free_port()}"
    fast = tmp_path / "settings.toml"
    fast.write_text("[mqtt]\nhealth_s = 1\n")
    context = browser.new_context(viewport=DESKTOP)
    shown = context.new_page()
    names, chart = shown.locator(".card h3"), shown.get_by_role("img", name="Memory").locator("polyline")
    with page(bundle, PHOTOS, tmp_path / "state", "--config", fast, listen=listen) as address:
        shown.goto(address)
        playwright.expect(shown.locator(".picture.has")).to_have_count(2)
        playwright.expect(names).to_have_text(["porch", "garden"])
        wait_for(lambda: len((chart.get_attribute("points") or "").split()) > 5)
    playwright.expect(shown.locator("#connection")).to_contain_text("The connection is lost")
    with page_of(bundle, other_camera(tmp_path), listen=listen):
        playwright.expect(names).to_have_text(["yard"], timeout=20_000)
        playwright.expect(shown.locator("#search option")).to_have_text(["All", "yard"])
        playwright.expect(shown.locator("figcaption", has_text="yard")).to_have_count(2)
        playwright.expect(shown.locator("figcaption", has_text="porch")).to_have_count(0)
        playwright.expect(shown.locator(".picture.has")).to_have_count(1)
        playwright.expect(shown.locator("#connection")).to_have_text("Live")
        wait_for(lambda: 0 < len((chart.get_attribute("points") or "").split()) <= 4)
    context.close()


def other_camera(folder: Path) -> Path:
    settings = folder / "other.toml"
    settings.write_text(
        f'state_dir = "{folder}/state"\n[[cameras]]\nname = "yard"\nsource = "{PHOTOS}"\nloop = true\nfps = 4\n'
    )
    return settings


def test_a_caption_of_another_day_has_its_date(browser: Browser, tmp_path: Path) -> None:
    then = time.time() - 3 * 86400
    path = history_path(tmp_path / "state", "pi")
    history = History(path, HistorySettings(keep=True, min_free_bytes=0))
    history.take(record(1, "a zebra crossing", captured_at=then), None)
    history.close()
    bundle = ROOT / "tests" / "data" / "tiny_bundle"
    with page(bundle, PHOTOS, tmp_path / "state", "--history", "--node", "pi") as address:
        for shown in open_page(browser, address, viewport=PHONE):
            today = shown.locator("#records time").first.inner_text()
            assert re.fullmatch(r"\d+:\d\d:\d\d\s[AP]M", today)
            shown.get_by_label("Search").fill("zebra")
            when = time.localtime(then)
            said = shown.locator("#records li", has_text="zebra").locator("time")
            playwright.expect(said).to_contain_text(f"{when.tm_mon}/{when.tm_mday}/{when.tm_year % 100}, ")
            assert shown.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
