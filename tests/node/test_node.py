from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import numpy as np
import pytest

from edge_caption.cameras.camera import Feed
from edge_caption.cameras.kinds import feed_of
from edge_caption.config import load
from edge_caption.errors import CameraError, ConfigError, OutboxError
from edge_caption.images.frame import Frame, Pixels
from edge_caption.model.caption import Caption, CaptionedFrame
from edge_caption.model.captioner import Captioner, EncodedPhoto, Photo
from edge_caption.model.live import Captions, LiveCaptioner
from edge_caption.mqtt.broker import free_port
from edge_caption.node import node, start
from edge_caption.node.camera import longest_due_first
from edge_caption.node.identity import outbox_path
from edge_caption.node.settings import Settings
from edge_caption.outbox import Outbox
from edge_caption.records import CaptionRecord, Health, Record
from tests.brokers import Listener, Mosquitto, listener, mosquitto, retained, wait_for
from tests.cameras.servers import MjpegCamera
from tests.conftest import encode

__all__ = ["listener", "mosquitto"]


@pytest.fixture
def album(tmp_path: Path, picture: Pixels) -> Path:
    """Six photos."""
    folder = tmp_path / "album"
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}.png").write_bytes(encode(np.roll(picture, number * 40, axis=1), ".png"))
    return folder


def settings_for(tmp_path: Path, album: Path | str, broker: str, **camera: object) -> Settings:
    options = {
        "node": "pi",
        "state_dir": tmp_path / "state",
        "camera": {"source": str(album), "name": "porch", "fps": 100, **camera},
        "mqtt": {"broker": broker, "health_s": 0.2},
    }
    return load(None, options, {})


class Shown:
    """A sink that keeps what it gets."""

    name = "the test"
    wants_frames = False

    def __init__(self) -> None:
        self.captions: list[CaptionRecord] = []

    def take(self, record: Record, frame: Frame | None) -> None:
        if isinstance(record, CaptionRecord):
            self.captions.append(record)


class Looker:
    """A sink that asks for frames."""

    name = "the looker"
    wants_frames = True

    def __init__(self) -> None:
        self.frames: list[CaptionedFrame] = []
        self.health: list[Health] = []

    def take(self, record: Record, frame: CaptionedFrame | None) -> None:
        if isinstance(record, CaptionRecord):
            assert frame
            assert record.caption == frame.caption.text
            self.frames.append(frame)
        elif isinstance(record, Health):
            self.health.append(record)


def run(settings: Settings, captioner: Captions, stop: threading.Event | None = None) -> list[CaptionRecord]:
    shown = Shown()
    feeds = [feed_of(camera.source, camera) for camera in settings.cameras if camera.source]
    start.run(settings, feeds, captioner, [shown], stop or threading.Event())
    return shown.captions


def test_every_photo_becomes_one_event_with_what_the_captioner_said(
    tmp_path: Path, album: Path, mosquitto: Mosquitto, listener: Listener, tiny_captioner: Captioner
) -> None:
    shown = run(settings_for(tmp_path, album, mosquitto.url), tiny_captioner)
    events = wait_for(lambda: (found := listener.payloads("/event")) and len(found) == 6 and found)
    messages = [msgspec.json.decode(event, type=CaptionRecord) for event in events]
    assert [message.id for message in messages] == [f"pi:{number}" for number in range(1, 7)]
    expected = [tiny_captioner.caption(photo) for photo in sorted(album.iterdir())]
    assert [message.caption for message in messages] == [caption.text for caption in expected]
    assert [message.caption for message in shown] == [caption.text for caption in expected]
    for message, caption in zip(messages, expected, strict=True):
        assert (message.event_type, message.node, message.camera, message.schema) == ("caption", "pi", "porch", 1)
        assert [word.text for word in message.words] == [word.text for word in caption.words]
        assert [word.box for word in message.words] == [word.box for word in caption.words]
        assert message.confidence == pytest.approx(caption.confidence, abs=1e-3)
        assert abs(message.captured_at - time.time()) < 60
        assert 0 < message.age_ms < 10_000
        assert set(message.stages_ms) == {"preprocess", "encode", "decode"}
        assert message.dropped_since_last == 0
        assert message.model.sha256 == tiny_captioner.model.sha256


def test_a_sink_that_asks_for_frames_gets_them_with_where_the_captioner_looked_and_health(
    tmp_path: Path, album: Path, mosquitto: Mosquitto, tiny_captioner: Captioner
) -> None:
    looker = Looker()
    settings = settings_for(tmp_path, album, mosquitto.url, fps=10)
    (camera,) = settings.cameras
    assert camera.source
    start.run(settings, [feed_of(camera.source, camera)], tiny_captioner, [looker], threading.Event())
    assert looker.frames
    for seen in looker.frames:
        again = tiny_captioner.caption(seen.pixels)
        for word, other in zip(seen.caption.words, again.words, strict=True):
            assert np.array_equal(word.attention, other.attention)
    assert looker.health[0].node == "pi"


def test_what_remains_on_the_broker_tells_the_truth(
    tmp_path: Path, album: Path, mosquitto: Mosquitto, tiny_captioner: Captioner
) -> None:
    run(settings_for(tmp_path, album, mosquitto.url), tiny_captioner)
    kept = retained(mosquitto.port)
    assert set(kept) == {
        "edge_caption/pi/status",
        "edge_caption/pi/health",
        "edge_caption/pi/info",
        "edge_caption/pi/cam/porch/enabled/state",
        "edge_caption/pi/cam/porch/status",
        "edge_caption/pi/cam/porch/caption",
    }
    assert kept["edge_caption/pi/status"] == kept["edge_caption/pi/cam/porch/status"] == b"offline"
    newest = msgspec.json.decode(kept["edge_caption/pi/cam/porch/caption"], type=CaptionRecord)
    assert newest.id == "pi:6"
    health = msgspec.json.decode(kept["edge_caption/pi/health"], type=Health)
    assert (health.captions, health.outbox_depth, health.outbox_rejected) == (6, 0, 0)
    assert health.latency_ms is not None
    assert health.latency_ms.p50 <= health.latency_ms.p95 <= health.latency_ms.max
    assert 20 < health.rss_mb < 2000


def test_what_the_gate_holds_back_is_counted_and_leaves_no_gap(
    tmp_path: Path, album: Path, mosquitto: Mosquitto, listener: Listener, tiny_captioner: Captioner
) -> None:
    all_of_them = run(settings_for(tmp_path, album, mosquitto.url), tiny_captioner)
    ordered = sorted(message.confidence for message in all_of_them)
    floor = (ordered[2] + ordered[3]) / 2
    settings = settings_for(tmp_path, album, mosquitto.url, gate={"min_confidence": floor})
    shown = run(settings, tiny_captioner)
    expected = [message.caption for message in all_of_them if message.confidence >= floor]
    assert [message.caption for message in shown] == expected
    assert [message.id for message in shown] == [f"pi:{number}" for number in range(7, 7 + len(expected))]
    wait_for(lambda: len(listener.events()) == 6 + len(expected))
    kept = retained(mosquitto.port)
    health = msgspec.json.decode(kept["edge_caption/pi/health"], type=Health)
    assert (health.captions, health.silenced) == (len(expected), 6 - len(expected))
    assert health.cameras["porch"].held == {"confidence": 6 - len(expected)}
    newest = msgspec.json.decode(kept["edge_caption/pi/cam/porch/caption"], type=CaptionRecord)
    assert newest.caption == expected[-1]


def test_pictures_on_a_topic_are_captioned_but_not_what_the_broker_kept_of_old(
    tmp_path: Path, album: Path, mosquitto: Mosquitto, listener: Listener, tiny_captioner: Captioner
) -> None:
    photos = sorted(album.iterdir())
    listener.publish("yard/jpeg", photos[5].read_bytes(), retain=True)
    stop = threading.Event()
    settings = settings_for(tmp_path, "mqtt:yard/jpeg", mosquitto.url)
    runner = threading.Thread(target=run, args=(settings, tiny_captioner, stop))
    runner.start()
    try:
        wait_for(lambda: "yard/jpeg (QoS" in mosquitto.log())
        time.sleep(0.3)
        assert not listener.events()
        listener.publish("yard/jpeg", photos[0].read_bytes())
        (event,) = wait_for(listener.events)
        assert event["caption"] == tiny_captioner.caption(photos[0]).text
        assert abs(event["captured_at"] - time.time()) < 5
    finally:
        stop.set()
        runner.join(20)


def test_an_absent_broker_leaves_the_captions_for_the_next_start(
    tmp_path: Path, album: Path, tiny_captioner: Captioner, monkeypatch: pytest.MonkeyPatch, mosquitto: Mosquitto
) -> None:
    monkeypatch.setattr(node, "DRAIN_S", 0.5)
    run(settings_for(tmp_path, album, f"mqtt://127.0.0.1:{free_port()}"), tiny_captioner)
    outbox = Outbox(outbox_path(tmp_path / "state", "pi"))
    assert outbox.depth == 6
    outbox.close()
    listener = Listener(mosquitto.port)
    run(settings_for(tmp_path, album, mosquitto.url), tiny_captioner)
    wait_for(lambda: len(listener.events()) == 12)
    assert [event["id"] for event in listener.events()] == [f"pi:{number}" for number in range(1, 13)]
    captured = [event["captured_at"] for event in listener.events()]
    assert captured == sorted(captured)
    # The retained topic never shows the backlog.
    first = msgspec.json.decode(listener.payloads("/caption")[0], type=CaptionRecord)
    assert int(first.id.removeprefix("pi:")) > 6
    listener.close()


def test_the_pace_is_the_one_asked_for(
    tmp_path: Path, album: Path, mosquitto: Mosquitto, tiny_captioner: Captioner
) -> None:
    began = time.monotonic()
    shown = run(settings_for(tmp_path, album, mosquitto.url, fps=5), tiny_captioner)
    assert len(shown) == 6
    # Five steps between six captions; a slow machine may take longer, none may be quicker.
    assert time.monotonic() - began >= 0.99
    gaps = np.diff([message.captured_at for message in shown])
    assert gaps.min() > 0.05


def test_files_need_no_more_time_than_the_captioner_where_the_setting_says_so(
    tmp_path: Path, album: Path, mosquitto: Mosquitto, tiny_captioner: Captioner
) -> None:
    began = time.monotonic()
    shown = run(settings_for(tmp_path, album, mosquitto.url, fps=0.1, real_time=False), tiny_captioner)
    assert len(shown) == 6
    assert time.monotonic() - began < 10


def test_frames_that_a_newer_one_replaced_are_counted(
    tmp_path: Path, mosquitto: Mosquitto, tiny_captioner: Captioner
) -> None:
    camera, stop = MjpegCamera(fps=25), threading.Event()
    threading.Timer(3, stop.set).start()
    shown = run(settings_for(tmp_path, camera.url, mosquitto.url, fps=2), tiny_captioner, stop)
    camera.close()
    health = msgspec.json.decode(retained(mosquitto.port)["edge_caption/pi/health"], type=Health)
    dropped = sum(caption.dropped_since_last for caption in shown)
    assert len(shown) * 5 < dropped < 3 * 25
    assert health.frames_dropped == health.cameras["porch"].frames_dropped == dropped


def test_a_stop_ends_an_endless_loop_and_loses_nothing(
    tmp_path: Path, album: Path, mosquitto: Mosquitto, listener: Listener, tiny_captioner: Captioner
) -> None:
    stop = threading.Event()
    threading.Timer(1.5, stop.set).start()
    shown = run(settings_for(tmp_path, album, mosquitto.url, loop=True), tiny_captioner, stop)
    assert len(shown) > 6
    wait_for(lambda: len(listener.events()) == len(shown))
    assert listener.payloads("pi/status") == [b"online", b"offline"]


def test_errors_end_the_loop(tmp_path: Path, album: Path, mosquitto: Mosquitto, tiny_captioner: Captioner) -> None:
    with pytest.raises(CameraError, match="there is no video"):
        run(settings_for(tmp_path, "none.mp4", mosquitto.url), tiny_captioner)
    (tmp_path / "file").touch()
    options = {"state_dir": tmp_path / "file", "camera": {"source": str(album)}}
    with pytest.raises(OutboxError, match="state cannot be kept in"):
        run(load(None, options, {}), tiny_captioner)
    with pytest.raises(ConfigError, match=f"port {mosquitto.port} is taken"):
        run(settings_for(tmp_path, album, f"embedded:{mosquitto.port}"), tiny_captioner)


def test_the_embedded_broker_serves_this_computer_only(tmp_path: Path, album: Path, tiny_captioner: Captioner) -> None:
    pytest.importorskip("amqtt", reason="the embedded broker is an extra")
    port = free_port()
    stop = threading.Event()
    settings = settings_for(tmp_path, album, f"embedded:{port}", loop=True, fps=10)
    runner = threading.Thread(target=run, args=(settings, tiny_captioner, stop))
    runner.start()
    try:
        wait_for(lambda: _listening(port))
        heard = Listener(port)
        wait_for(lambda: len(heard.events()) > 5)
        heard.close()
        assert _listening(port) == {"0100007F"}
    finally:
        stop.set()
        runner.join(20)
    assert not _listening(port)


def _listening(port: int) -> set[str]:
    """Return the addresses on which this computer listens on a port, as /proc/net/tcp writes them."""
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()[1:]]
    return {row[1].partition(":")[0] for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port}


def several(tmp_path: Path, broker: str, sources: dict[str, str], **camera: object) -> Settings:
    options = {
        "node": "pi",
        "state_dir": tmp_path / "state",
        "camera": {"fps": 100, **camera},
        "cameras": [{"name": name, "source": source} for name, source in sources.items()],
        "mqtt": {"broker": broker, "health_s": 0.2},
    }
    return load(None, options, {})


def test_several_cameras_share_the_captioner_and_one_sequence(
    tmp_path: Path, album: Path, mosquitto: Mosquitto, listener: Listener, tiny_captioner: Captioner
) -> None:
    settings = several(tmp_path, mosquitto.url, {"porch": str(album), "garden": str(album), "hall": str(album)})
    shown = run(settings, tiny_captioner)
    assert [record.id for record in shown] == [f"pi:{number}" for number in range(1, 19)]
    by_camera = {name: [record for record in shown if record.camera == name] for name in ("porch", "garden", "hall")}
    expected = [tiny_captioner.caption(photo).text for photo in sorted(album.iterdir())]
    for records in by_camera.values():
        assert [record.caption for record in records] == expected
    wait_for(lambda: len(listener.events()) == 18)
    health = msgspec.json.decode(retained(mosquitto.port)["edge_caption/pi/health"], type=Health)
    assert {name: camera.captions for name, camera in health.cameras.items()} == {"porch": 6, "garden": 6, "hall": 6}


class EndlessCamera:
    """Always has another frame, and counts them."""

    def __init__(self, pixels: Pixels) -> None:
        self.frames = 0
        self._pixels = pixels

    def read(self) -> Frame:
        time.sleep(0.001)
        self.frames += 1
        return Frame(np.roll(self._pixels, self.frames, axis=1), time.time())

    def close(self) -> None: ...


class WaitingCaptioner:
    """Captions when every camera has a new frame, so that nothing but the node's choice says which one is next."""

    def __init__(self, captioner: Captioner, cameras: list[EndlessCamera]) -> None:
        self.model = captioner.model
        self._captioner, self._cameras = captioner, cameras

    def caption(self, photo: Photo) -> Caption:
        return self.encode(photo).caption()

    def encode(self, photo: Photo) -> EncodedPhoto:
        # The second one is read after the first was put in its place.
        before = [camera.frames for camera in self._cameras]
        wait_for(lambda: all(c.frames >= count + 2 for c, count in zip(self._cameras, before, strict=True)))
        return self._captioner.encode(photo)


def test_the_camera_that_is_longest_past_its_due_time_is_next(
    tmp_path: Path, mosquitto: Mosquitto, picture: Pixels, tiny_captioner: Captioner
) -> None:
    names = ("porch", "garden", "hall")
    settings = several(tmp_path, mosquitto.url, dict.fromkeys(names, "0"))
    cameras = [EndlessCamera(picture) for _ in names]
    feeds = [
        Feed(name, lambda camera=camera: camera, live=True, patient=False)  # type: ignore[misc]
        for name, camera in zip(names, cameras, strict=True)
    ]
    shown = Shown()
    start.run(settings, feeds, WaitingCaptioner(tiny_captioner, cameras), [shown], threading.Event(), limit=30)
    turns = [record.camera for record in shown.captions]
    assert set(turns[:3]) == set(names)
    assert turns == turns[:3] * 10


def test_who_is_due_earlier_is_first_whatever_the_order_of_the_settings() -> None:
    cameras = [
        SimpleNamespace(due=due, over=over) for due, over in ((7.0, False), (5.0, False), (1.0, True), (6.0, False))
    ]
    assert [camera.due for camera in longest_due_first(cast("Any", cameras))] == [5.0, 6.0, 7.0]


def test_a_camera_that_is_not_there_stops_no_other(
    tmp_path: Path, album: Path, mosquitto: Mosquitto, tiny_captioner: Captioner
) -> None:
    settings = several(tmp_path, mosquitto.url, {"porch": str(album), "gone": str(tmp_path / "gone.mp4")})
    shown = run(settings, tiny_captioner)
    assert [record.camera for record in shown] == ["porch"] * 6
    kept = retained(mosquitto.port)
    assert kept["edge_caption/pi/cam/gone/status"] == b"offline"


def test_where_not_one_camera_is_there_the_program_says_so(
    tmp_path: Path, mosquitto: Mosquitto, tiny_captioner: Captioner
) -> None:
    settings = several(tmp_path, mosquitto.url, {name: str(tmp_path / f"{name}.mp4") for name in ("porch", "gone")})
    with pytest.raises(CameraError, match=r"there is no video .*/porch\.mp4"):
        run(settings, tiny_captioner)


@pytest.mark.timeout(30)
def test_a_camera_of_this_computer_that_comes_late_is_taken_where_there_are_others(
    tmp_path: Path, album: Path, mosquitto: Mosquitto, listener: Listener, picture: Pixels, tiny_captioner: Captioner
) -> None:
    plugged = threading.Event()

    def open_late() -> EndlessCamera:
        if not plugged.is_set():
            raise CameraError("there is no camera /dev/video0; present: none")
        return EndlessCamera(picture)

    settings = several(tmp_path, mosquitto.url, {"porch": str(album), "late": "0"})
    source = settings.cameras[0].source
    assert source
    feeds = [feed_of(source, settings.cameras[0]), Feed("late", open_late, live=True, patient=False)]
    shown, stop = Shown(), threading.Event()
    runner = threading.Thread(target=start.run, args=(settings, feeds, tiny_captioner, [shown], stop))
    runner.start()
    try:
        wait_for(lambda: any(event["event_type"] == "camera_lost" for event in listener.events()))
        plugged.set()
        wait_for(lambda: any(record.camera == "late" for record in shown.captions))
    finally:
        stop.set()
        runner.join(20)


def test_cameras_that_hang_keep_the_program_no_longer_than_one_of_them(
    tmp_path: Path, mosquitto: Mosquitto, tiny_captioner: Captioner
) -> None:
    names = [f"hangs{number}" for number in range(6)]
    settings = several(tmp_path, mosquitto.url, dict.fromkeys(names, "0"))
    never, stop = threading.Event(), threading.Event()

    def hang() -> EndlessCamera:
        never.wait()
        raise CameraError("it hung")

    feeds = [Feed(name, hang, live=True, patient=True) for name in names]
    runner = threading.Thread(target=start.run, args=(settings, feeds, tiny_captioner, [], stop))
    runner.start()
    try:
        wait_for(lambda: len(retained(mosquitto.port, "edge_caption/pi/cam/#")) >= 2 * len(names))
    finally:
        stop.set()
        began = time.monotonic()
        runner.join(20)
        never.set()
    assert time.monotonic() - began < 4


class Renamed:
    """A captioner whose captions say that another model made them."""

    def __init__(self, captioner: Captioner, name: str) -> None:
        self._captioner = captioner
        self.model = msgspec.structs.replace(captioner.model, name=name)

    def caption(self, photo: Photo) -> Caption:
        return self.encode(photo).caption()

    def encode(self, photo: Photo) -> EncodedPhoto:
        encoded = self._captioner.encode(photo)
        return replace(encoded, decode=lambda _: self._renamed(encoded.caption()))

    def _renamed(self, caption: Caption) -> Caption:
        return replace(caption, model=self.model)


def test_the_captioner_is_swapped_while_frames_flow(
    tmp_path: Path, album: Path, mosquitto: Mosquitto, tiny_captioner: Captioner
) -> None:
    live = LiveCaptioner(tiny_captioner)
    stop = threading.Event()
    shown: list[CaptionRecord] = []
    settings = settings_for(tmp_path, album, mosquitto.url, loop=True)
    runner = threading.Thread(target=lambda: shown.extend(run(settings, live, stop)))
    runner.start()
    threading.Timer(1.0, lambda: live.swap(Renamed(tiny_captioner, "second"))).start()
    threading.Timer(2.0, stop.set).start()
    runner.join(20)
    names = [record.model.name for record in shown]
    assert names == sorted(names, key=lambda name: name == "second")
    assert set(names) == {tiny_captioner.model.name, "second"}
    assert [record.id for record in shown] == [f"pi:{number}" for number in range(1, len(shown) + 1)]


def test_a_camera_whose_pictures_show_nothing_is_obstructed_and_back(
    tmp_path: Path, album: Path, mosquitto: Mosquitto, listener: Listener, tiny_captioner: Captioner
) -> None:
    for number in (2, 3, 4):
        (album / f"{number}.png").write_bytes(encode(np.full((240, 320, 3), 3, np.uint8), ".png"))
    shown = run(settings_for(tmp_path, album, mosquitto.url), tiny_captioner)
    assert len(shown) == 3
    events = wait_for(lambda: (found := listener.events()) and len(found) == 5 and found)
    assert [event["event_type"] for event in events] == [
        *("caption", "caption", "camera_obstructed", "camera_clear", "caption"),
    ]
    assert events[2]["reason"] == "it is dark"
    assert b"obstructed" in listener.payloads("/cam/porch/status")
    assert [event["id"] for event in events] == [f"pi:{number}" for number in range(1, 6)]


def test_what_a_mask_hides_reaches_no_sink(
    tmp_path: Path, album: Path, mosquitto: Mosquitto, tiny_captioner: Captioner
) -> None:
    gate = {"masks": [[[0, 0], [1, 0], [1, 0.5], [0, 0.5]]]}
    settings = settings_for(tmp_path, album, mosquitto.url, gate=gate)
    sink = Looker()
    feeds = [feed_of(camera.source, camera) for camera in settings.cameras if camera.source]
    start.run(settings, feeds, tiny_captioner, [sink], threading.Event())
    assert sink.frames
    assert all((frame.pixels[:118] == 127).all() for frame in sink.frames)
