from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_caption.commands.cli import main
from edge_caption.demo.panning import PHOTOS
from edge_caption.mqtt.broker import free_port
from tests.brokers import wait_for
from tests.cameras.servers import MjpegCamera
from tests.conftest import ROOT
from tests.web.node import Answer, ask, lines_until, page, page_of, started

pytest.importorskip("uvicorn", reason="the page is an extra")

TINY = ROOT / "tests" / "data" / "tiny_bundle"
TOO_MANY = b"[" + b",".join([b"[[0, 0], [1, 0], [1, 1]]"] * 65) + b"]"
LEFT_HALF = b"[[[0, 0], [0.5, 0], [0.5, 1], [0, 1]]]"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with page(TINY, PHOTOS, tmp_path_factory.mktemp("state")) as address:
        wait_for(lambda: ask(address, "/api/cameras/garden/frame").status == 200)
        yield address


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with page(TINY, PHOTOS, tmp_path_factory.mktemp("state"), listen="0.0.0.0:0") as address:
        port = urlsplit(address).port
        yield f"http://127.0.0.1:{port}/?{urlsplit(address).query}"


def events(url: str, enough: Callable[[bytes], bool]) -> dict[str, list[dict[str, object]]]:
    """Listen until it is enough, and return what was told, by kind."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), 10) as connection:
        connection.sendall(f"GET /api/events HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n".encode())
        data = b""
        until = time.monotonic() + 15
        while not enough(data):
            assert time.monotonic() < until, data[-500:]
            data += connection.recv(65536)
    told: dict[str, list[dict[str, object]]] = {}
    for kind, payload in re.findall(rb"event: (\w+)\ndata: (.*)\n\n", data):
        told.setdefault(kind.decode(), []).append(json.loads(payload))
    return told


def error(answer: Answer) -> str:
    return str(json.loads(answer.body)["error"])


def enabled(url: str) -> object:
    return {name: camera["enabled"] for name, camera in cameras(url).items()}


def cameras(url: str) -> dict[str, Any]:
    """Return what a browser is told of the cameras."""
    return events(url, lambda data: b"event: cameras" in data)["cameras"][0]


def history(url: str, query: str = "") -> Any:
    return json.loads(ask(url, f"/api/history{query}").body)


def test_the_picture_is_the_one_that_its_caption_tells_of(url: str) -> None:
    answer = ask(url, "/api/cameras/porch/frame")
    assert answer.headers["content-type"] == "image/jpeg"
    pixels = cv2.imdecode(np.frombuffer(answer.body, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    assert pixels.shape[2] == 3
    ids = [record["id"] for record in history(url, "?camera=porch")["records"]]
    assert answer.headers["record-id"] in ids


def test_a_browser_is_told_captions_with_attention_cameras_and_health(url: str) -> None:
    told = events(url, lambda data: data.count(b"event: caption") > 4 and b"event: health" in data)
    quiet = {"enabled": True, "state": "online", "reason": None, "masks": [], "region": None}
    assert told["cameras"][-1] == {"porch": quiet, "garden": quiet}
    assert told["health"][0]["cameras"]
    assert {record["camera"] for record in told["caption"]} == {"porch", "garden"}
    for record in told["caption"]:
        words = record["words"]
        assert isinstance(words, list)
        for word in words:
            assert sum(sum(row) for row in word["attention"]) == pytest.approx(1, abs=0.01)


def test_history_is_searched_by_words_and_camera(url: str) -> None:
    answer = history(url)
    assert not answer["kept"]
    everything = answer["records"]
    ids = [int(record["id"].rpartition(":")[2]) for record in everything]
    assert ids == sorted(ids, reverse=True)
    word = everything[0]["words"][0]["text"]
    found = history(url, f"?q={word.upper()}&camera={everything[0]['camera']}")["records"]
    assert found
    assert all(word in record["caption"] and record["camera"] == everything[0]["camera"] for record in found)
    assert history(url, "?q=xyzzy")["records"] == []


def test_history_that_is_kept_is_searched_by_its_index_and_outlives_a_restart(tmp_path: Path) -> None:
    with page(TINY, PHOTOS, tmp_path / "state", "--history") as url:
        wait_for(lambda: len(history(url, "?q=boxes")["records"]) > 3)  # the memory knows "box" alone
    with page(TINY, PHOTOS, tmp_path / "state", "--history") as url:
        found = wait_for(lambda: history(url, "?q=boxes"))
        assert found["kept"]
        assert found["problem"] is None
        old = found["records"][-1]
        assert old["id"].endswith(":1") or old["id"].endswith(":2")
        assert {"captured_at", "caption", "language", "confidence", "camera"} <= old.keys()
        assert {record["camera"] for record in history(url, "?q=box&camera=porch")["records"]} == {"porch"}
        assert history(url, "?q=%22")["records"] == []
        times = [record["captured_at"] for record in history(url)["records"]]
        assert times == sorted(times, reverse=True)


def test_captions_that_find_no_room_on_the_disk_are_found_in_memory(tmp_path: Path) -> None:
    config = tmp_path / "settings.toml"
    config.write_text("[history]\nkeep = true\nmin_free_bytes = 1_000_000_000_000_000\n")
    with page(TINY, PHOTOS, tmp_path / "state", "--config", config) as url:
        found = wait_for(lambda: history(url, "?q=box")["records"])
        assert "box" in found[0]["caption"]


def test_history_that_breaks_is_named_and_memory_stands_in(tmp_path: Path) -> None:
    with page(TINY, PHOTOS, tmp_path / "state", "--history", "--node", "pi") as url:
        wait_for(lambda: ask(url, "/api/cameras/garden/frame").status == 200)
        assert history(url)["kept"]
        assert ask(url, "/api/cameras/porch/enabled", "POST", b"false").status == 200
        assert ask(url, "/api/cameras/garden/enabled", "POST", b"false").status == 200
        file = tmp_path / "state" / "nodes" / "pi" / "history.db"
        for one in file.parent.glob("history.db*"):
            one.unlink()
        file.write_bytes(b"this was a history once " * 100)
        broken = history(url, "?q=box")
        assert not broken["kept"]
        assert "is damaged" in broken["problem"]
        assert broken["records"]


def test_a_camera_is_paused_and_goes_on(url: str) -> None:
    def newest() -> object:
        return ask(url, "/api/cameras/porch/frame").headers["record-id"]

    assert ask(url, "/api/cameras/porch/enabled", "POST", b"false").status == 200
    time.sleep(0.1)  # a caption may have been under way
    before = newest()
    time.sleep(0.8)
    assert newest() == before
    assert enabled(url) == {"porch": False, "garden": True}
    refused = ask(url, "/api/cameras/porch/trigger", "POST")
    assert (refused.status, error(refused)) == (409, "the camera porch is disabled")
    assert ask(url, "/api/cameras/porch/enabled", "POST", b"true").status == 200
    triggered = json.loads(ask(url, "/api/cameras/porch/trigger", "POST").body)["id"]
    assert int(triggered.rpartition(":")[2]) > int(str(before).rpartition(":")[2])


@pytest.mark.parametrize(
    ("path", "method", "body", "status", "says"),
    [
        ("/nothing", "GET", None, 404, "there is nothing at this address; begin at /"),
        ("/api/cameras/attic/frame", "GET", None, 404, "has no picture yet"),
        ("/api/cameras/attic/trigger", "POST", b"", 404, "there is no camera attic; choose one of: porch, garden"),
        ("/api/cameras/porch/trigger", "GET", None, 405, "this address takes POST only"),
        ("/api/cameras/porch/enabled", "POST", b"{", 400, "not the JSON that is wanted here"),
        ("/api/cameras/porch/enabled", "POST", b"3", 400, "Expected `bool`, got `int`"),
        ("/api/cameras/porch/enabled", "POST", b" " * 200_000, 413, "larger than 0.1 MB"),
        ("/api/cameras/attic/masks", "POST", b"[]", 404, "there is no camera attic; choose one of: porch, garden"),
        ("/api/cameras/porch/masks", "POST", b"[[[0, 0], [1, 1]]]", 400, "Expected `array` of length >= 3"),
        ("/api/cameras/porch/masks", "POST", b"[[[0, 0], [1, 1], [2, 0]]]", 400, "Expected `float` <= 1.0"),
        ("/api/cameras/porch/masks", "POST", b"[" * 5000, 400, "not the JSON that is wanted here"),
        ("/api/cameras/porch/masks", "POST", TOO_MANY, 400, "Expected `array` of length <= 64"),
    ],
)
def test_what_makes_no_sense_gets_one_sentence(
    url: str, path: str, method: str, body: bytes | None, status: int, says: str
) -> None:
    answer = ask(url, path, method, body)
    assert answer.status == status
    assert says in error(answer)


@pytest.mark.parametrize(
    "path", ["/../../etc/passwd", "/..%2f..%2fetc/passwd", "/page.py", "/static/../page.py", "//etc/passwd", "/%00"]
)
def test_no_path_leads_out_of_the_page(url: str, path: str) -> None:
    answer = ask(url, path)
    assert answer.status in (400, 404)
    assert b"root:" not in answer.body
    assert b"import" not in answer.body


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "192.168.1.7", "", "a@localhost"]
)
def test_a_name_that_is_not_its_own_is_refused(url: str, host: str) -> None:
    """DNS rebinding: the browser believes that evil.example is this server."""
    answer = ask(url, "/api/history", headers={"Host": host})
    assert answer.status == 421
    assert "not known by that name" in error(answer)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:99", "127.0.0.1:8765", "[::1]:80"])
def test_its_own_names_are_fine(url: str, host: str) -> None:
    assert ask(url, "/", headers={"Host": host}).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    ],
)
def test_another_sites_page_can_steer_nothing(url: str, headers: dict[str, str]) -> None:
    for what, body in (("enabled", b"false"), ("masks", LEFT_HALF), ("trigger", b"")):
        answer = ask(url, f"/api/cameras/porch/{what}", "POST", body, headers)
        assert answer.status == 403
        assert "another site" in error(answer)
    assert cameras(url)["porch"]["masks"] == []
    assert enabled(url) == {"porch": True, "garden": True}


def test_a_link_to_the_page_may_be_followed(url: str) -> None:
    assert ask(url, "/", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}).status == 200


def test_nothing_may_be_loaded_from_elsewhere(url: str) -> None:
    policy = ask(url, "/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    for file in (ROOT / "edge_caption" / "web" / "static").iterdir():
        text = file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text, file
        assert "https://" not in text, file


def picture(url: str, camera: str) -> NDArray[np.uint8]:
    data = np.frombuffer(ask(url, f"/api/cameras/{camera}/frame").body, np.uint8)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def is_grey(pixels: NDArray[np.uint8]) -> bool:
    return bool((np.abs(pixels.astype(int) - 127) < 8).mean() > 0.97)


def test_a_mask_hides_at_once_and_after_a_restart_until_it_is_taken_away(tmp_path: Path) -> None:
    with page(TINY, PHOTOS, tmp_path / "state") as url:
        wait_for(lambda: ask(url, "/api/cameras/garden/frame").status == 200)
        assert ask(url, "/api/cameras/porch/enabled", "POST", b"false").status == 200  # no picture comes any more
        time.sleep(0.3)
        before = picture(url, "porch")
        answer = ask(url, "/api/cameras/porch/masks", "POST", LEFT_HALF)
        assert json.loads(answer.body) == {"masks": json.loads(LEFT_HALF)}
        assert cameras(url)["porch"]["masks"] == json.loads(LEFT_HALF)
        after, middle = picture(url, "porch"), before.shape[1] // 2
        assert is_grey(after[:, : middle - 8])
        assert not is_grey(before[:, : middle - 8])
        assert not is_grey(after[:, middle:])
        assert cameras(url)["garden"]["masks"] == []
    with page(TINY, PHOTOS, tmp_path / "state") as url:
        wait_for(lambda: ask(url, "/api/cameras/porch/enabled", "POST", b"true").status == 200)
        wait_for(lambda: ask(url, "/api/cameras/porch/frame").status == 200)
        assert is_grey(picture(url, "porch")[:, : middle - 8])
        assert ask(url, "/api/cameras/porch/masks", "POST", b"[]").status == 200
        wait_for(lambda: not is_grey(picture(url, "porch")[:, : middle - 8]))


def test_masks_begin_with_those_of_the_settings_and_go_back_to_them(tmp_path: Path) -> None:
    ours, state = json.loads(LEFT_HALF), tmp_path / "state"
    config = tmp_path / "settings.toml"
    region = "region = [0.0, 0.25, 1.0, 1.0]"
    config.write_text(
        f'state_dir = "{state}"\n[camera]\nsource = "{PHOTOS}"\nloop = true\n[gate]\nmasks = {ours}\n{region}'
    )
    with page_of(TINY, config) as url:
        wait_for(lambda: ask(url, "/api/cameras/camera/frame").status == 200)
        begin = cameras(url)["camera"]
        assert (begin["masks"], begin["region"]) == (ours, [0.0, 0.25, 1.0, 1.0])
        assert ask(url, "/api/cameras/camera/masks", "POST", b"[]").status == 200
        assert cameras(url)["camera"]["masks"] == []
        back = ask(url, "/api/cameras/camera/masks", "POST", b"null")
        assert json.loads(back.body) == {"masks": ours}
        # The lower half of the camera's picture is the lower two thirds of the region that is shown.
        assert ask(url, "/api/cameras/camera/enabled", "POST", b"false").status == 200
        assert ask(url, "/api/cameras/camera/masks", "POST", b"[[[0, 0.5], [1, 0.5], [1, 1], [0, 1]]]").status == 200
        shown = picture(url, "camera")
        assert is_grey(shown[len(shown) // 3 + 8 :])
        assert not is_grey(shown[: len(shown) // 3 - 8, shown.shape[1] // 2 + 8 :])


def test_masks_that_can_not_be_read_show_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "state" / "nodes" / "pi"
    folder.mkdir(parents=True)
    (folder / "masks.json").write_text("{")
    assert run_with(tmp_path, "--node", "pi") == 1
    said = capsys.readouterr().err
    assert "delete the file to begin with the masks of the settings" in said
    assert "Traceback" not in said


def test_a_camera_that_gives_no_picture_in_time_costs_a_request_and_not_the_node(tmp_path: Path) -> None:
    slow = MjpegCamera(fps=0.3)
    config = tmp_path / "settings.toml"
    config.write_text(f'state_dir = "{tmp_path}/state"\n[camera]\nname = "slow"\nsource = "{slow.url}"\n')
    try:
        with page_of(TINY, config) as url:
            wait_for(lambda: ask(url, "/api/cameras/slow/frame").status == 200)
            refused = ask(url, "/api/cameras/slow/trigger", "POST")
            assert (refused.status, error(refused)) == (504, "the camera gave no picture within 2 s; look at its state")
            for _ in range(2):
                before = ask(url, "/api/cameras/slow/frame").headers["record-id"]
                wait_for(lambda: ask(url, "/api/cameras/slow/frame").headers["record-id"] != before)  # noqa: B023
    finally:
        slow.close()


def test_photos_are_captioned_at_the_pages_address_where_that_is_wanted(tmp_path: Path, url: str) -> None:
    photo = (PHOTOS / "wren.jpg").read_bytes()
    assert ask(url, "/caption", "POST", photo).status == 404
    with page(TINY, PHOTOS, tmp_path / "state", "--api") as both:
        assert json.loads(ask(both, "/caption", "POST", photo).body)["caption"].startswith("a big black box")
        assert ask(both, "/v1/models").status == 200
        assert ask(both, "/").status == 200
        assert history(both)["records"] is not None
        assert ask(both, "/caption", "POST", photo, {"Origin": "http://evil.example"}).status == 403
        assert "can't be decoded" in error(ask(both, "/caption", "POST", b"hello"))


def test_the_api_needs_a_page_to_ride_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_with(tmp_path, "--api") == 1
    assert "--api rides on the page; add --page, or use edge-caption serve" in capsys.readouterr().err
    config = tmp_path / "settings.toml"
    config.write_text("[workers]\nsend_frames = true\n")
    assert run_with(tmp_path, "--api", "--page", "0", "--broker", "mqtt://127.0.0.1:9", "--config", config) == 1
    assert "captions photos on this device and send_frames has workers do it" in capsys.readouterr().err


def test_beyond_this_computer_it_wants_the_token(guarded: str) -> None:
    token = urlsplit(guarded).query.removeprefix("token=")
    assert len(token) >= 20
    strange = ("/?token=wrong", "/?token=%00%ff", "/?token=%E7%8B%97", "/?token=")
    for path in ("/", "/page.js", "/api/events", "/api/history", "/api/cameras/porch/frame", *strange):
        answer = ask(guarded, path)
        assert answer.status == 401, path
        assert "the token is missing or wrong" in error(answer)
    assert ask(guarded, "/api/cameras/porch/masks", "POST", LEFT_HALF).status == 401
    assert ask(guarded, "/", headers={"Authorization": "Bearer wrong"}).status == 401
    assert ask(guarded, "/", headers={"Authorization": f"Bearer {token}"}).status == 200


def test_the_token_moves_from_the_address_to_a_cookie_that_no_script_reads(guarded: str) -> None:
    answer = ask(guarded, f"/?{urlsplit(guarded).query}")
    assert (answer.status, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert ask(guarded, "/", headers={"Cookie": cookie.partition(";")[0]}).status == 200


def test_a_token_may_be_the_users_own_and_then_is_not_printed(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("correct-horse-battery\n")
    config = tmp_path / "settings.toml"
    config.write_text(f'[page]\ntoken_file = "{file}"\n')
    with page(TINY, PHOTOS, tmp_path / "state", "--config", config) as address:
        assert "token" not in address
        assert ask(address, "/").status == 401
        assert ask(address, "/?token=correct-horse-battery").status == 303


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read: No such file"),
        (b"short", "must be 16 or more letters, digits, - and _; make one with: openssl rand -hex 16"),
        (b"a" * 20 + b"&b", "must be 16 or more letters"),
        (b"\xff\xfe\x00", "UTF-(8|16)"),
    ],
)
def test_a_token_file_that_is_wrong_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, says: str
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    config = tmp_path / "settings.toml"
    config.write_text(f'[page]\nlisten = "127.0.0.1:0"\ntoken_file = "{file}"\n')
    assert run_with(tmp_path, "--config", config) == 1
    assert re.search(says, capsys.readouterr().err)


def run_with(tmp_path: Path, *arguments: object) -> int:
    given = ("run", "--bundle", TINY, "--source", PHOTOS, "--state-dir", tmp_path / "state", *arguments)
    return main([str(part) for part in given])


def test_a_busy_port_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        assert run_with(tmp_path, "--page", f"127.0.0.1:{port}") == 1
    assert f"port {port} is taken by another program; choose another port" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("listen", "says"),
    [
        ("localhost", "no place to listen; write a port"),
        ("localhost:99999", "no place to listen"),
    ],
)
def test_a_place_that_is_none_is_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], listen: str, says: str
) -> None:
    with pytest.raises(SystemExit):
        run_with(tmp_path, "--page", listen)
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("listen", "says"),
    [
        ("no-such-host.invalid:0", "the host no-such-host.invalid is unknown; listen on localhost or 0.0.0.0"),
        ("192.0.2.1:0", r"can't be listened on \(Cannot assign requested address\); choose this computer's host"),
    ],
)
def test_a_host_that_is_not_this_computers_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], listen: str, says: str
) -> None:
    assert run_with(tmp_path, "--page", listen) == 1
    assert re.search(says, capsys.readouterr().err)


def test_a_browser_that_goes_in_the_middle_of_a_request_is_no_fault_of_the_page(tmp_path: Path) -> None:
    given = ("--source", f"porch={PHOTOS}", "--loop", "--fps", 4, "--state-dir", tmp_path / "state", "--api")
    broker = ("--broker", f"mqtt://127.0.0.1:{free_port()}", "--page", "127.0.0.1:0")
    with started("run", "--bundle", TINY, *given, *broker) as process:
        address = urlsplit(lines_until(process, r"The page is at (\S+)")[1])
        for request in (
            "POST /api/cameras/porch/masks HTTP/1.1\r\nContent-Length: 100",
            "POST /api/cameras/porch/enabled HTTP/1.1\r\nTransfer-Encoding: chunked",
            "POST /caption HTTP/1.1\r\nContent-Length: 100",
            "GET /api/events HTTP/1.1",
        ):
            with socket.create_connection((address.hostname, address.port)) as connection:
                connection.sendall(f"{request}\r\nHost: {address.netloc}\r\n\r\n".encode())
                time.sleep(0.2)
        assert ask(address.geturl(), "/").status == 200
        process.terminate()
        assert process.stderr
        assert "Traceback" not in process.stderr.read()


def test_half_a_request_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """256 connections are all that there are."""
    from starlette.responses import PlainTextResponse

    from edge_caption.web import server

    monkeypatch.setattr(server, "HEADERS_S", 0.8)
    served = server.Server(PlainTextResponse("here"), socket.create_server(("127.0.0.1", 0)))
    try:
        whole = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for before in (b"", whole):
            with socket.create_connection(("127.0.0.1", served.port), 5) as connection:
                if before:
                    connection.sendall(before)
                    time.sleep(0.2)
                    assert b"here" in connection.recv(4096)
                connection.sendall(b"GET / HTTP/1.1\r\nHost: loc")
                assert connection.recv(4096) == b""
        with socket.create_connection(("127.0.0.1", served.port), 5) as patient:
            for part in (whole[:20], whole[20:], whole, whole):
                time.sleep(0.25)
                patient.sendall(part)
            time.sleep(1)
            assert patient.recv(4096).count(b"here") == 3
    finally:
        served.close()


def test_strangers_that_speak_no_http_or_nothing_leave_the_page_alive(url: str) -> None:
    parts = urlsplit(url)
    silent = [socket.create_connection((parts.hostname, parts.port)) for _ in range(20)]
    bad_length = b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n"
    for data in (b"\x16\x03\x01\x02\x00", b"GET " + b"a" * 100_000, bad_length):
        with socket.create_connection((parts.hostname, parts.port)) as stranger:
            stranger.sendall(data)
    assert ask(url, "/").status == 200
    for connection in silent:
        connection.close()
