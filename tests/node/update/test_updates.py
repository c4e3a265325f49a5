"""Updates of a node that captions, over a real broker."""

from __future__ import annotations

import contextlib
import http.server
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from edge_caption.backoff import Backoff
from edge_caption.cameras.kinds import feed_of
from edge_caption.commands.run import _open_captioner
from edge_caption.config import load
from edge_caption.errors import UpdateError
from edge_caption.files import write_whole
from edge_caption.images.frame import Pixels
from edge_caption.model.captioner import Captioner, EncodedPhoto, Photo
from edge_caption.model.live import Captions, LiveCaptioner
from edge_caption.model.selftest import self_test
from edge_caption.model.signed import new_key
from edge_caption.mqtt.address import Address
from edge_caption.mqtt.push import Push, source_of
from edge_caption.mqtt.settings import MqttSettings
from edge_caption.node import start
from edge_caption.node.info import info
from edge_caption.node.update import boot, download, updates
from edge_caption.node.update.incoming import Incoming, Order
from edge_caption.node.update.store import FALSE_STARTS, Store
from edge_caption.records import Info, UpdateState
from tests.brokers import Listener, Mosquitto, listener, mosquitto, retained, wait_for
from tests.conftest import encode
from tests.node.update.conftest import TINY, Make, bytes_of, head_of, make, public, update_of
from tests.node.update.test_probation import Failing
from tests.test_outbox import small_disk

__all__ = ["listener", "make", "mosquitto", "public", "small_disk"]

Run = Callable[..., "Running"]


class Running:
    """A node in a thread."""

    def __init__(self, settings: Any) -> None:
        self.stop = threading.Event()
        feeds = [feed_of(camera.source, camera) for camera in settings.cameras]
        captioner = _open_captioner(settings)
        self._thread = threading.Thread(target=start.run, args=(settings, feeds, captioner, [], self.stop))
        self._thread.start()

    def end(self) -> None:
        self.stop.set()
        self._thread.join(10)


@pytest.fixture
def run(tmp_path: Path, picture: Pixels, mosquitto: Mosquitto, public: str) -> Iterator[Run]:
    """Run nodes that take updates."""
    album = tmp_path / "album"
    album.mkdir()
    for number in range(4):
        (album / f"{number}.png").write_bytes(encode(np.roll(picture, number * 40, axis=1), ".png"))
    running: list[Running] = []

    def run(fps: float = 30, **update: Any) -> Running:
        options = {
            "node": "pi",
            "state_dir": tmp_path / "state",
            "camera": {"source": str(album), "name": "porch", "fps": fps, "loop": True},
            "mqtt": {"broker": mosquitto.url, "commands": True},
            "model": {"bundle": TINY, "threads": 1},
            "update": {"public_key": public, **update},
        }
        running.append(Running(load(None, options, {})))
        return running[-1]

    yield run
    for node in running:
        node.end()


@pytest.fixture
def push(mosquitto: Mosquitto) -> Callable[..., list[UpdateState]]:
    def push(what: object, *, install: bool = True) -> list[UpdateState]:
        settings = MqttSettings(broker=Address.parse(mosquitto.url))
        return list(Push(settings, "edge_caption", source_of(str(what)), install=install).bring("pi", 20))

    return push


Bring = Callable[..., list[UpdateState]]


def told(listener: Listener) -> list[str]:
    """Return the update's events, in order."""
    return [each["event_type"] for each in listener.events() if each["event_type"].startswith("update")]


def captions_of(listener: Listener) -> list[str]:
    """Return the model of each caption."""
    return [each["model"]["version"] for each in listener.events() if each["event_type"] == "caption"]


def assert_captions_flow_on_without_a_gap(listener: Listener, version: str) -> None:
    before = len(captions_of(listener))
    wait_for(lambda: len(captions_of(listener)) > before + 5)
    assert captions_of(listener)[-1] == version
    sequences = listener.sequences()
    assert sequences == set(range(1, max(sequences) + 1))


def info_of(mosquitto: Mosquitto) -> Info:
    return msgspec.json.decode(retained(mosquitto.port)["edge_caption/pi/info"], type=Info)


def test_a_bundle_comes_in_chunks_is_tried_and_captions_from_then_on(
    run: Run, mosquitto: Mosquitto, listener: Listener, make: Make, push: Bring, tmp_path: Path
) -> None:
    run()
    wait_for(lambda: captions_of(listener))
    states = push(make("2"))
    assert [state.next for state in states] != []
    assert {"receiving", "testing", "trial", "idle"} >= {state.state for state in states} >= {"receiving", "idle"}
    assert (states[-1].installed_version, states[-1].error) == ("2", None)
    wait_for(lambda: "update_done" in told(listener))
    wait_for(lambda: told(listener) == ["update_begun", "update_done"])
    assert_captions_flow_on_without_a_gap(listener, "2")
    assert captions_of(listener) == sorted(captions_of(listener))
    wait_for(lambda: info_of(mosquitto).model.version == "2")
    assert not (tmp_path / "state" / "nodes" / "pi" / "update" / "incoming").exists()


def test_after_a_restart_the_updated_bundle_captions_at_once(
    run: Run, listener: Listener, make: Make, push: Bring
) -> None:
    node = run()
    push(make("2"))
    node.end()
    wait_for(lambda: listener.payloads("pi/status")[-1] == b"offline")
    before = len(captions_of(listener))
    run()
    wait_for(lambda: len(captions_of(listener)) > before)
    assert captions_of(listener)[before] == "2"


def test_an_updated_bundle_that_is_damaged_on_disk_gives_way_to_the_one_before(
    run: Run, listener: Listener, make: Make, push: Bring, tmp_path: Path
) -> None:
    node = run()
    push(make("2"))
    node.end()
    (graph,) = tmp_path.glob("state/nodes/pi/update/bundles/*/decoder.cpu.onnx")
    graph.write_bytes(b"")
    run()
    wait_for(lambda: "update_rolled_back" in told(listener))
    assert_captions_flow_on_without_a_gap(listener, "1")


def test_a_tampered_byte_is_refused_in_one_sentence(run: Run, listener: Listener, make: Make, push: Bring) -> None:
    run()
    file = make("2")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(UpdateError, match=r"the update to tiny 2 fails: .* is not the file that the signed head names"):
        push(file)
    wait_for(lambda: told(listener) == ["update_begun", "update_failed"])
    assert_captions_flow_on_without_a_gap(listener, "1")


def test_another_owners_update_is_refused_before_any_of_it_is_taken(
    run: Run, listener: Listener, make: Make, push: Bring, tmp_path: Path
) -> None:
    run()
    file = make("2")
    (tmp_path / "owner.key").unlink()
    new_key(tmp_path / "owner.key")
    foreign = make("2")
    assert foreign == file
    with pytest.raises(UpdateError, match=r"pi: the update is not signed with the key in update\.public_key"):
        push(foreign)
    assert told(listener) == []
    assert_captions_flow_on_without_a_gap(listener, "1")


def test_an_older_version_is_refused_unless_it_was_signed_for_that_and_later(
    run: Run, listener: Listener, make: Make, push: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    now = time.time()
    monkeypatch.setattr("edge_caption.model.signed.time.time", lambda: now + 100)
    push(make("3"))
    with pytest.raises(UpdateError, match=r"version 2 is older than 3, which runs; .*--allow-older"):
        push(make("2"))
    monkeypatch.setattr("edge_caption.model.signed.time.time", lambda: now)
    with pytest.raises(UpdateError, match=r"was signed before the one that came last"):
        push(make("2", older=True))
    monkeypatch.setattr("edge_caption.model.signed.time.time", lambda: now + 200)
    push(make("2", older=True))
    assert_captions_flow_on_without_a_gap(listener, "2")


def test_a_bundle_that_fails_the_self_test_never_captions(
    run: Run, listener: Listener, make: Make, push: Bring
) -> None:
    run()
    with pytest.raises(UpdateError, match=r"the update to tiny 2 fails: .*encoder"):
        push(make("2", broken="encoder.cpu-x86.onnx"))
    wait_for(lambda: told(listener) == ["update_begun", "update_failed"])
    assert_captions_flow_on_without_a_gap(listener, "1")
    assert set(captions_of(listener)) == {"1"}


def test_a_failure_is_told_though_a_bundle_of_that_version_runs(run: Run, make: Make, push: Bring) -> None:
    run()
    with pytest.raises(UpdateError, match="fails: "):
        push(make("1", broken="encoder.cpu-x86.onnx", older=True))


def test_a_bundle_whose_first_captions_fail_is_rolled_back_without_losing_one(
    run: Run, listener: Listener, make: Make, push: Bring, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def loader(_: object) -> Callable[[Path | None], Any]:
        def load(bundle: Path | None) -> Any:
            sound = Captioner(bundle, threads=1)
            return sound if bundle == TINY else Failing(sound, "decoder", 3)

        return load

    monkeypatch.setattr(boot, "loader", loader)
    node = run()
    with pytest.raises(UpdateError, match=r"version 2 of the model is rolled back: it fails: no such word"):
        push(make("2"))
    wait_for(lambda: told(listener) == ["update_begun", "update_rolled_back"])
    assert_captions_flow_on_without_a_gap(listener, "1")
    assert captions_of(listener).count("2") == 3
    node.end()
    assert not list(tmp_path.glob("state/nodes/pi/update/bundles/*"))


def test_however_many_orders_wait_a_trial_ends_at_its_fault(
    run: Run, listener: Listener, make: Make, push: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FailingInAFlood(Failing):
        def encode(self, photo: Photo) -> EncodedPhoto:
            monkeypatch.setattr(updates, "WAITING", 0)
            return super().encode(photo)

    def loader(_: object) -> Callable[[Path | None], Any]:
        return lambda bundle: (
            Captioner(bundle, threads=1)
            if bundle == TINY
            else FailingInAFlood(Captioner(bundle, threads=1), "encoder", 0)
        )

    monkeypatch.setattr(boot, "loader", loader)
    run()
    with pytest.raises(UpdateError, match=r"version 2 of the model is rolled back"):
        push(make("2"))
    assert_captions_flow_on_without_a_gap(listener, "1")


def test_a_fault_in_the_moment_of_trust_undoes_nothing(
    run: Run, listener: Listener, make: Make, push: Bring, monkeypatch: pytest.MonkeyPatch, picture: Pixels
) -> None:
    class FailingElsewhere(Failing):
        def encode(self, photo: Photo) -> EncodedPhoto:
            if threading.current_thread().name == "updates":
                raise ValueError("no such word")
            return super().encode(photo)

    def swap(live: LiveCaptioner, captioner: Captions) -> Captions:
        if isinstance(captioner, FailingElsewhere):
            with contextlib.suppress(ValueError):
                live.caption(picture)
        return swap_as_ever(live, captioner)

    def loader(_: object) -> Callable[[Path | None], Any]:
        return lambda bundle: (
            Captioner(bundle, threads=1)
            if bundle == TINY
            else FailingElsewhere(Captioner(bundle, threads=1), "decoder", 10**9)
        )

    swap_as_ever = LiveCaptioner.swap
    monkeypatch.setattr(LiveCaptioner, "swap", swap)
    monkeypatch.setattr(boot, "loader", loader)
    run()
    assert push(make("2"))[-1].installed_version == "2"
    wait_for(lambda: "update_done" in told(listener))
    assert_captions_flow_on_without_a_gap(listener, "2")
    assert told(listener) == ["update_begun", "update_done"]


def test_what_is_asked_again_while_a_bundle_is_tested_does_not_bring_it_again(
    run: Run, listener: Listener, make: Make, push: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(options: Any) -> None:
        time.sleep(1)
        self_test(options)

    monkeypatch.setattr(updates, "self_test", slow)
    monkeypatch.setattr("edge_caption.mqtt.push.QUIET_S", 0.1)
    run()
    with pytest.raises(UpdateError, match=r"the update to tiny 2 fails: .*encoder"):
        push(make("2", broken="encoder.cpu-x86.onnx"))
    listener.publish("edge_caption/pi/bridge/request/update", b"")
    wait_for(lambda: b"no update was offered" in b"".join(listener.payloads("bridge/response/update")))
    assert told(listener) == ["update_begun", "update_failed"]


def test_a_fault_is_heeded_before_any_order_that_waits(
    run: Run, listener: Listener, make: Make, push: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loader(_: object) -> Callable[[Path | None], Any]:
        return lambda bundle: (
            Captioner(bundle, threads=1) if bundle == TINY else Failing(Captioner(bundle, threads=1), "encoder", 0)
        )

    def slow(*arguments: Any) -> Info:
        time.sleep(threading.current_thread().name == "updates")
        return info(*arguments)

    monkeypatch.setattr(boot, "loader", loader)
    monkeypatch.setattr(start, "info", slow)
    monkeypatch.setattr("edge_caption.mqtt.push.QUIET_S", 0.05)
    run()
    with pytest.raises(UpdateError, match=r"version 2 of the model is rolled back"):
        push(make("2"))
    assert_captions_flow_on_without_a_gap(listener, "1")
    assert told(listener) == ["update_begun", "update_rolled_back"]


def test_an_order_that_fails_unexpectedly_is_answered(run: Run, push: Bring, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch_head(url: str) -> bytes:
        raise RuntimeError(url)

    monkeypatch.setattr(updates, "fetch_head", fetch_head)
    run()
    with pytest.raises(UpdateError, match="it failed unexpectedly; the node's log says more"):
        push("http://host/2.update")


def put_on_trial(tmp_path: Path) -> Store:
    """Make the bundle that runs one that has yet to prove itself."""
    store = Store(tmp_path / "state" / "nodes" / "pi" / "update", TINY)
    assert store.state.installed
    installed = msgspec.structs.replace(store.state.installed, trusted=False)
    store._save(msgspec.structs.replace(store.state, installed=installed))
    return store


def test_a_program_that_is_told_to_end_while_a_bundle_is_on_trial_is_no_fault_of_the_bundle(
    run: Run, mosquitto: Mosquitto, listener: Listener, make: Make, push: Bring, tmp_path: Path
) -> None:
    node = run()
    push(make("2"))
    node.end()
    put_on_trial(tmp_path)
    for _ in range(FALSE_STARTS + 1):
        before = len(captions_of(listener))
        node = run(fps=0.2)
        wait_for(lambda seen=before: len(captions_of(listener)) > seen)  # type: ignore[misc]
        node.end()
    assert set(captions_of(listener)[-FALSE_STARTS:]) == {"2"}
    assert "update_rolled_back" not in told(listener)


def test_a_bundle_that_ends_the_program_again_and_again_is_rolled_back_at_the_start(
    run: Run, listener: Listener, make: Make, push: Bring, tmp_path: Path
) -> None:
    node = run()
    push(make("2"))
    node.end()
    store = put_on_trial(tmp_path)
    for _ in range(FALSE_STARTS):
        assert boot.begin(store, Captioner).model.version == "2"
    run()
    # Who sent it asks again as soon as the node is back.
    with pytest.raises(
        UpdateError, match="version 2 of the model does not run here: the program crashed or was killed"
    ):
        push(tmp_path / "2.update")
    wait_for(lambda: "update_rolled_back" in told(listener))
    assert_captions_flow_on_without_a_gap(listener, "1")
    assert told(listener).count("update_begun") == 1


def test_on_a_full_disk_no_bundle_is_tried_whose_starts_cannot_be_counted(
    make: Make, small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = make("2", extra=1000)
    incoming = Incoming(small_disk / "incoming", Order(head=head_of(file)), update_of(file))
    incoming.append(bytes_of(file))
    Store(small_disk, TINY).install(incoming)
    room = small_disk / "everything"
    with room.open("wb", buffering=0) as everything, contextlib.suppress(OSError):
        while everything.write(bytes(4096)):
            pass
    assert boot.begin(Store(small_disk, TINY), Captioner).model.version == "1"
    assert "the disk refuses to count its starts (No space left on device); free some space" in caplog.text
    # The bundle that was rolled back has left room for the word of it.
    assert Store(small_disk, TINY).installed is None
    assert room.stat().st_size > 0


def test_a_bundle_that_cannot_be_noted_leaves_no_trace(make: Make, tmp_path: Path) -> None:
    file, folder = make("2"), tmp_path / "update"
    incoming = Incoming(folder / "incoming", Order(head=head_of(file)), update_of(file))
    incoming.append(bytes_of(file))
    (folder / "state.json").mkdir()
    store = Store(folder, TINY)
    with pytest.raises(IsADirectoryError):
        store.install(incoming)
    assert store.installed is None
    assert not list((folder / "bundles").iterdir())


def test_what_cannot_be_resumed_leaves_a_state_that_is_told(
    run: Run, listener: Listener, make: Make, tmp_path: Path
) -> None:
    (left_behind(tmp_path, make("2")) / "files").touch()  # a folder is expected
    run()
    states = wait_for(lambda: listener.payloads("pi/update"))
    assert b'"idle"' in states[0]


def left_behind(tmp_path: Path, file: Path) -> Path:
    """Write an order as a power cut leaves it: the program dropped it, and the disk did not hear of that."""
    folder = tmp_path / "state" / "nodes" / "pi" / "update" / "incoming"
    write_whole(folder / "order.json", msgspec.json.encode(Order(head=head_of(file))))
    return folder


def test_an_order_that_a_power_cut_brings_back_is_not_carried_out_again(
    run: Run, listener: Listener, make: Make, push: Bring, tmp_path: Path
) -> None:
    node, file = run(), make("2")
    push(file)
    node.end()
    store = put_on_trial(tmp_path)
    folder = left_behind(tmp_path, file)
    for _ in range(FALSE_STARTS):
        boot.begin(store, Captioner)
    node = run()
    wait_for(lambda: "update_rolled_back" in told(listener) and not folder.exists())
    assert_captions_flow_on_without_a_gap(listener, "1")
    node.end()
    broken = make("3", broken="encoder.cpu-x86.onnx")
    node = run()
    with pytest.raises(UpdateError, match="fails: "):
        push(broken)
    node.end()
    folder = left_behind(tmp_path, broken)
    run()
    wait_for(lambda: not folder.exists())
    # Who sends it again is heard.
    assert push(file)[-1].installed_version == "2"


def test_a_bundle_that_comes_with_the_program_and_is_newer_replaces_the_update(
    make: Make, run: Run, push: Bring, tmp_path: Path
) -> None:
    node = run()
    push(make("2"))
    node.end()
    make("3")
    folder = tmp_path / "state" / "nodes" / "pi" / "update"
    store = Store(folder, tmp_path / "bundle-3")
    assert boot.begin(store, Captioner).model.version == "3"
    # Whatever is noted meanwhile, whoever goes back to the older program finds the update.
    store.fail("another", "it fails")
    assert boot.begin(Store(folder, tmp_path / "bundle-3"), Captioner).model.version == "3"
    assert boot.begin(Store(folder, TINY), Captioner).model.version == "2"


def test_what_is_offered_waits_for_the_word_over_a_restart(
    run: Run, mosquitto: Mosquitto, listener: Listener, make: Make, push: Bring
) -> None:
    node = run()
    state = push(make("2"), install=False)[-1]
    assert (state.state, state.installed_version, state.latest_version) == ("offered", "1", "2")
    node.end()
    run()
    wait_for(lambda: listener.payloads("pi/update")[-1:] and b'"offered"' in listener.payloads("pi/update")[-1])
    assert_captions_flow_on_without_a_gap(listener, "1")
    listener.publish("edge_caption/pi/bridge/request/update", b'{"install": false}')
    refusal = wait_for(lambda: [said for said in listener.payloads("response/update") if b'"status":"error"' in said])[
        -1
    ]
    assert b"install = false is for a url or a head" in refusal
    assert b'"offered"' in listener.payloads("pi/update")[-1]
    listener.publish("edge_caption/pi/bridge/request/update", b'{"install": true}')
    wait_for(lambda: "update_done" in told(listener))
    assert_captions_flow_on_without_a_gap(listener, "2")


def test_who_offers_what_was_offered_is_told_that_it_is_here(run: Run, make: Make, push: Bring) -> None:
    run()
    file = make("2")
    for _ in range(2):
        assert push(file, install=False)[-1].state == "offered"


def test_an_order_without_room_leaves_no_offer_that_is_gone(
    run: Run, listener: Listener, make: Make, push: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    push(make("2"), install=False)
    monkeypatch.setattr("edge_caption.node.update.incoming.ROOM_BYTES", 10**15)
    with pytest.raises(UpdateError, match=r"the disk has .* MB free and the update needs .*; free some"):
        push(make("3"))
    wait_for(lambda: b'"idle"' in listener.payloads("pi/update")[-1])


def test_without_an_offer_the_word_is_refused(run: Run, mosquitto: Mosquitto, listener: Listener) -> None:
    run()
    wait_for(lambda: "edge_caption/pi/bridge/request/+ (QoS 1)" in mosquitto.log())
    listener.publish("edge_caption/pi/bridge/request/update", b"")
    answer = wait_for(lambda: listener.payloads("bridge/response/update"))[0]
    assert b"no update was offered; give its url or its head" in answer


class Server:
    """An HTTP server that breaks off, knows ranges or not, and remembers what it was asked."""

    def __init__(self, file: Path, *, ranges: bool, break_after: int, block: int = 1) -> None:
        self.asked: list[str | None] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path != "/2.update":
                    self.send_error(404)
                    return
                data, wanted = file.read_bytes(), self.headers["Range"]
                outer.asked.append(wanted)
                begin = int(wanted.removeprefix("bytes=").rstrip("-")) // block * block if wanted and ranges else 0
                self.send_response(206 if wanted and ranges else 200)
                self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
                self.send_header("Content-Length", str(len(data) - begin))
                self.end_headers()
                self.wfile.write(data[begin : begin + break_after] if len(outer.asked) < 6 else data[begin:])

            def log_message(self, *_: object) -> None:
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/2.update"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.mark.parametrize(("ranges", "block"), [(True, 1), (True, 65_536), (False, 1)])
def test_a_url_is_fetched_on_from_where_it_broke_off(
    run: Run, listener: Listener, make: Make, push: Bring, monkeypatch: pytest.MonkeyPatch, ranges: bool, block: int
) -> None:
    monkeypatch.setattr("edge_caption.node.update.fetching.Backoff", quick)
    file = make("2")
    server = Server(file, ranges=ranges, break_after=200_000, block=block)
    run()
    states = push(server.url)
    server.close()
    assert states[-1].installed_version == "2"
    begins = [int(asked.removeprefix("bytes=").rstrip("-")) for asked in server.asked if asked]
    assert begins == sorted(begins)
    assert begins[-1] > 100_000
    assert_captions_flow_on_without_a_gap(listener, "2")


def quick(*_: float) -> Backoff:
    return Backoff(0.05, 0.1)


def test_a_url_that_gives_no_update_is_a_sentence(run: Run, make: Make, push: Bring) -> None:
    server = Server(make("2"), ranges=True, break_after=10**9)
    run()
    with pytest.raises(UpdateError, match=r"/missing is not given \(404 Not Found\); check the address"):
        push(server.url.replace("2.update", "missing?token=secret"))
    server.close()
    with pytest.raises(UpdateError, match=r"can't be fetched \(Connection refused\)"):
        push(server.url)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://host/file",
        "http://",
        "http://user:word@host/x",
        "http://host/a b",
        "http://host:99999999999999999999/x",
        "http://host:port/x",
        "x",
    ],
)
def test_other_addresses_than_https_are_refused(url: str) -> None:
    with pytest.raises(UpdateError, match="url"):
        download.check_url(url)


@pytest.mark.parametrize("place", ["file:///etc/passwd", "http://localhost:99999999999999999999/"])
def test_a_redirect_leads_to_no_file_and_to_no_traceback(place: str) -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", place)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.handle_request, daemon=True).start()
    with pytest.raises((UpdateError, download.CutError)):
        download.Download(f"http://127.0.0.1:{server.server_port}/", 0)
    server.server_close()


def test_what_is_retained_or_of_another_update_is_not_taken(
    run: Run, mosquitto: Mosquitto, listener: Listener, make: Make, push: Bring
) -> None:
    file = make("2")
    for topic in ("edge_caption/pi/update/0123456789abcdef/0", "edge_caption/pi/update/x/-1"):
        listener.publish(topic, bytes_of(file)[:1000], retain=True)
    run()
    wait_for(lambda: "edge_caption/pi/update/+/+ (QoS 1)" in mosquitto.log())
    for topic in ("0123456789abcdef/0", "x/-1", "x/99999999999999999999", "x/zero"):
        listener.publish(f"edge_caption/pi/update/{topic}", b"x")
    assert push(file)[-1].installed_version == "2"
    wait_for(lambda: told(listener) == ["update_begun", "update_done"])


def test_an_update_larger_than_allowed_is_refused(run: Run, make: Make, push: Bring) -> None:
    run(max_bytes=1000)
    with pytest.raises(UpdateError, match=r"and update\.max_bytes allows 1,000"):
        push(make("2"))


def test_a_full_disk_is_a_sentence_and_gives_its_room_back(
    run: Run, listener: Listener, make: Make, push: Bring, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The disk is full for the bundle's files only: they lie on a small one, as a quota would have it."""
    disk = tmp_path / "state" / "nodes" / "pi" / "update"
    disk.mkdir(parents=True)
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(disk)], check=False, capture_output=True
    ).returncode:
        pytest.skip("a small disk can be mounted by root only")
    monkeypatch.setattr("edge_caption.node.update.incoming.ROOM_BYTES", -10_000_000)
    node = run()
    try:
        with pytest.raises(UpdateError, match=r"fails: the disk refuses it \(No space left on device\); free some"):
            push(make("2"))
        wait_for(lambda: told(listener) == ["update_begun", "update_failed"])
        assert_captions_flow_on_without_a_gap(listener, "1")
        assert not (disk / "incoming").exists()
    finally:
        node.end()
        subprocess.run(["umount", disk], check=True)


def test_a_broker_that_keeps_the_pieces_from_the_node_is_named(
    run: Run, mosquitto: Mosquitto, make: Make, tmp_path: Path
) -> None:
    rules = ["write edge_caption/+/update/+/+"]
    rules += [
        f"readwrite edge_caption/+/{part}" for part in ("status", "info", "health", "update", "bridge/#", "cam/#")
    ]
    (tmp_path / "acl").write_text("".join(f"topic {rule}\n" for rule in rules))
    with mosquitto._config.open("a") as config:
        config.write(f"acl_file {tmp_path}/acl\n")
    mosquitto.stop()
    mosquitto.start()
    run()
    push = Push(
        MqttSettings(broker=Address.parse(mosquitto.url)), "edge_caption", source_of(str(make("2"))), install=True
    )
    with pytest.raises(UpdateError, match=r"pi answers, and no piece .*; let it read edge_caption/pi/update/\+/\+"):
        list(push.bring("pi", 3))


def test_a_node_that_is_offline_is_named_soon(run: Run, listener: Listener, make: Make, push: Bring) -> None:
    node = run()
    wait_for(lambda: captions_of(listener))
    node.end()
    began = time.monotonic()
    with pytest.raises(UpdateError, match=r"pi is offline; what it has is kept, so run this again"):
        push(make("2"))
    assert time.monotonic() - began < 15


def test_a_stranger_to_updates_says_so(run: Run, mosquitto: Mosquitto, listener: Listener, make: Make) -> None:
    run(public_key=None)
    wait_for(lambda: "edge_caption/pi/bridge/request/+ (QoS 1)" in mosquitto.log())
    settings = MqttSettings(broker=Address.parse(mosquitto.url))
    push = Push(settings, "edge_caption", source_of(str(make("2"))), install=True)
    with pytest.raises(UpdateError, match="takes no updates; its settings need public_key"):
        list(push.bring("pi", 10))
    with pytest.raises(UpdateError, match="nobody does not answer; check its name"):
        list(push.bring("nobody", 2))
