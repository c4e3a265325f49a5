"""The page in a real browser: Debian's Chromium, headless."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from edge_caption.demo.panning import PHOTOS
from tests.brokers import wait_for
from tests.conftest import ROOT
from tests.web.node import ask, page

pytest.importorskip("uvicorn", reason="the page is an extra")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

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
DESKTOP = {"width": 1280, "height": 900}
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


def open_page(browser: Browser, url: str, **options: Any) -> Iterator[Page]:
    context = browser.new_context(**options)
    shown = context.new_page()
    problems: list[str] = []
    shown.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    shown.on("pageerror", lambda error: problems.append(str(error)))
    elsewhere: list[str] = []
    own = (url.partition("?")[0], f"blob:{url.partition('?')[0]}")
    shown.on("request", lambda request: None if request.url.startswith(own) else elsewhere.append(request.url))
    shown.goto(url)
    playwright.expect(shown.locator(".picture.has")).to_have_count(2)
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
    playwright.expect(card.locator(".state")).to_contain_text("held")
    opened.mouse.move(5, 5)
    playwright.expect(card.locator(".box")).to_be_hidden()
    words.first.focus()
    opened.keyboard.press("ArrowRight")
    playwright.expect(words.nth(1)).to_be_focused()
    playwright.expect(words.nth(1)).to_have_attribute("aria-pressed", "true")
    playwright.expect(card.locator(".box")).to_be_visible()


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


def test_it_speaks_chinese_and_remembers_it(opened: Page) -> None:
    opened.get_by_label("Language").select_option("zh")
    playwright.expect(opened.get_by_role("heading", name="摄像头")).to_be_visible()
    assert opened.locator("html").get_attribute("lang") == "zh"
    opened.reload()
    playwright.expect(opened.get_by_role("heading", name="历史")).to_be_visible()
    said = opened.locator("body").inner_text()
    assert not re.search(r"\b(Cameras|Pause|History|Health|Search|Confidence)\b", said)


def test_every_text_is_there_in_both_languages() -> None:
    text = (ROOT / "edge_caption" / "web" / "static" / "texts.js").read_text("utf-8")
    parts = text.partition("};")[0].split("zh: {")
    english, chinese = (set(re.findall(r'[{,\s]"?([a-z][a-z ]*)"?: "', part)) for part in parts)
    assert english == chinese
    html = (ROOT / "edge_caption" / "web" / "static" / "index.html").read_text("utf-8")
    assert set(re.findall(r'data-say="(\w+)"', html)) <= english


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_everybody_can_use_it(browser: Browser, url: str, theme: str, viewport: dict[str, int]) -> None:
    """axe-core finds no violation, with a word looked at, and nothing is wider than the screen."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed").Axe()
    for shown in open_page(browser, url, viewport=viewport, color_scheme=theme):
        shown.locator(".words button").first.focus()
        shown.wait_for_timeout(300)
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        found = axe.run(shown, options={"runOnly": {"type": "tag", "values": tags}})
        assert not found.response["violations"], found.generate_report()
        wide = shown.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0


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
