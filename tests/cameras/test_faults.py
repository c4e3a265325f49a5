"""Each fault of a camera is noticed, and its end within 5 s; real streams over HTTP and RTSP."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from edge_caption.cameras import watch as watching
from edge_caption.cameras.camera import Feed
from edge_caption.cameras.kinds import feed_of
from edge_caption.cameras.newest import Shot
from edge_caption.cameras.settings import CameraSettings
from edge_caption.cameras.source import Source
from edge_caption.cameras.watch import Back, Lost, Watch
from edge_caption.errors import CameraError
from edge_caption.images.frame import Frame
from tests.cameras.faulty import FAULTS, Fault, FaultyCamera, measure_recovery
from tests.cameras.rtsp import RtspCamera
from tests.cameras.test_watch import until

RECOVERY_S = 5

REASONS = {
    "gone": "no more frames|is silent|does not open",
    "open hang": "no more frames|is silent",
    "stall": "no frame for 1 s",
    "freeze": "the same frame for 1 s",
    "wrong password": "no more frames|is silent|refuses the login",
    "overload": "no more frames|is silent|the status 503",
    "truncated frames": "no frame for 1 s",
    "web page": "no more frames|is silent|web page",
}


@pytest.fixture
def camera() -> Iterator[FaultyCamera]:
    made = FaultyCamera()
    yield made
    made.close()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_camera_is_back_soon_after_its_fault_ends(fault: Fault, camera: FaultyCamera) -> None:
    settings = CameraSettings(open_timeout_s=2, no_frame_s=1, same_frame_s=1)
    lost, recovery_s = measure_recovery(camera.url, settings, lambda: camera.begin(fault), camera.end, 2.2)
    assert lost
    assert any(reason in lost for reason in REASONS[fault].split("|")), lost
    assert recovery_s < RECOVERY_S


def test_another_size_is_no_fault(camera: FaultyCamera) -> None:
    feed = feed_of(Source(camera.url), CameraSettings())
    opened = feed.open()
    assert opened.read()
    camera.size = (640, 480)
    shapes = [frame.pixels.shape for _ in range(20) if (frame := opened.read())]
    opened.close()
    assert shapes[-1] == (480, 640, 3)


@pytest.mark.parametrize("fault", ["gone", "stopped", "wrong password"])
def test_an_rtsp_camera_is_back_soon_after_its_fault_ends(fault: str) -> None:
    rtsp = RtspCamera()
    settings = CameraSettings(open_timeout_s=2, no_frame_s=1)
    watch = Watch(feed_of(Source(rtsp.url), settings), settings)
    try:
        until(watch, Shot)
        if fault == "stopped":
            rtsp.pause()
        else:
            rtsp.close()
        if fault == "wrong password":
            rtsp = RtspCamera(rtsp.port, password="other")
        until(watch, Lost)
        time.sleep(1)
        if fault == "stopped":
            rtsp.resume()
        else:
            rtsp.close()
            rtsp = RtspCamera(rtsp.port)
        began = time.monotonic()
        until(watch, Back)
        assert time.monotonic() - began < RECOVERY_S
    finally:
        watch.stop(5)
        rtsp.close()


class Hanging:
    """A camera that hangs in its driver until it is let go: real ones can't be made to."""

    def __init__(self, *, in_open: bool) -> None:
        self.opened = 0
        self.free = threading.Event()
        self._in_open = in_open

    def open(self) -> Hanging:
        self.opened += 1
        if self._in_open:
            self.free.wait(20)
        return self

    def read(self) -> Frame:
        self.free.wait(20)
        return Frame(np.full((4, 4, 3), self.opened, np.uint8), time.time())

    def close(self) -> None:
        pass


@pytest.mark.parametrize("in_open", [True, False])
def test_three_readers_may_hang_and_no_more(monkeypatch: pytest.MonkeyPatch, in_open: bool) -> None:
    monkeypatch.setattr(watching, "FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(watching, "LONGEST_WAIT_S", 0.01)
    camera = Hanging(in_open=in_open)
    settings = CameraSettings(no_frame_s=0.02, open_timeout_s=0.02)
    watch = Watch(Feed("hanging", camera.open, live=True, patient=True), settings)
    seen = [watch.take(0.01) for _ in range(100)]
    assert camera.opened == 3
    assert [each for each in seen if each] == [Lost("no frame for 0.04 s")]
    camera.free.set()
    until(watch, Back)
    watch.stop(1)


def test_an_opening_that_hangs_does_not_keep_the_next_from_coming() -> None:
    first = threading.Event()

    def open_camera() -> Hanging:
        camera = Hanging(in_open=False)
        camera.free.set()
        if not first.is_set():
            first.set()
            time.sleep(5)
        return camera

    settings = CameraSettings(no_frame_s=10, open_timeout_s=0.5)
    watch = Watch(Feed("slow at first", open_camera, live=True, patient=True), settings)
    began = time.monotonic()
    until(watch, Shot)
    assert time.monotonic() - began < 3
    watch.stop(0)


def test_a_slow_opening_is_waited_for_however_many_begin_beside_it() -> None:
    def open_camera() -> Hanging:
        camera = Hanging(in_open=False)
        camera.free.set()
        time.sleep(1)
        return camera

    settings = CameraSettings(no_frame_s=10, open_timeout_s=0.2)
    watch = Watch(Feed("slow", open_camera, live=True, patient=True), settings)
    began = time.monotonic()
    assert not any(isinstance(each, Lost) for each in until(watch, Shot))
    assert time.monotonic() - began < 2
    assert watch.stop(3)


def test_a_camera_that_comes_and_goes_is_opened_less_and_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(watching, "LONGEST_WAIT_S", 0.02)
    tries = {"flaps": 0, "refuses": 0}

    class Flapping(Hanging):
        def read(self) -> Frame:
            if self.free.is_set():
                raise CameraError("gone again")
            self.free.set()
            return super().read()

    def flap() -> Hanging:
        tries["flaps"] += 1
        return Flapping(in_open=False)

    def refuse() -> Hanging:
        tries["refuses"] += 1
        raise CameraError("no")

    for open_camera in (flap, refuse):
        watch = Watch(Feed("failing", open_camera, live=True, patient=True), CameraSettings())
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            watch.take(0.01)
        watch.stop(1)
    assert tries["refuses"] > 30
    # 0.01 s, doubling: seven or eight in a second.
    assert 3 < tries["flaps"] < 12
