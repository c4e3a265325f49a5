"""What a camera's faults look like to the program; real cameras over HTTP and RTSP."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Literal

import cv2
import pytest

from edge_caption.cameras.kinds import feed_of
from edge_caption.cameras.newest import Shot
from edge_caption.cameras.settings import CameraSettings
from edge_caption.cameras.source import Source
from edge_caption.cameras.watch import Back, Lost, Over, Watch
from edge_caption.errors import CameraError
from tests.cameras.rtsp import RtspCamera
from tests.cameras.servers import MjpegCamera, MuteServer, read_age_s
from tests.cameras.test_files import write_film

Event = Shot | Lost | Back | Over
Watching = Callable[..., Watch]


@pytest.fixture
def camera() -> Iterator[MjpegCamera]:
    made = MjpegCamera()
    yield made
    made.close()


@pytest.fixture
def watching() -> Iterator[Watching]:
    """Watch sources until the test ends."""
    watches: list[Watch] = []

    def watch(address: str, **settings: object) -> Watch:
        made = CameraSettings(source=Source(address), **settings)  # type: ignore[arg-type]
        assert made.source
        watches.append(Watch(feed_of(made.source, made), made))
        return watches[-1]

    yield watch
    for each in watches:
        each.stop(5)


def until(watch: Watch, wanted: type[Event], timeout_s: float = 10) -> list[Event]:
    """Return what happens, up to the first of the wanted kind."""
    seen: list[Event] = []
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if happened := watch.take(0.1):
            seen.append(happened)
            if isinstance(happened, wanted):
                return seen
    pytest.fail(f"no {wanted.__name__} in {timeout_s} s")


def test_frames_stay_young_behind_a_slow_captioner(camera: MjpegCamera, watching: Watching) -> None:
    watch = watching(camera.url)
    ages, dropped = [], 0
    until(watch, Shot)
    for _ in range(12):
        time.sleep(0.2)
        shot = until(watch, Shot)[-1]
        assert isinstance(shot, Shot)
        ages.append(read_age_s(shot.frame.pixels, time.time()))
        dropped += shot.dropped
    # The naive loop is a second and a half behind by now. No timing: half that bound on any machine.
    assert statistics.median(ages) < 0.7
    assert dropped > 12


def test_silence_is_a_fault_and_the_camera_comes_back(camera: MjpegCamera, watching: Watching) -> None:
    watch = watching(camera.url, no_frame_s=0.5)
    until(watch, Shot)
    camera.silent.set()
    assert until(watch, Lost)[-1] == Lost("no frame for 0.5 s")
    camera.silent.clear()
    back, shot = until(watch, Shot)
    assert isinstance(back, Back)
    assert isinstance(shot, Shot)
    assert watch.reconnects >= 1


def test_a_frozen_picture_is_another_fault(camera: MjpegCamera, watching: Watching) -> None:
    watch = watching(camera.url, same_frame_s=0.5)
    until(watch, Shot)
    camera.frozen.set()
    assert until(watch, Lost)[-1] == Lost("the same frame for 0.5 s")
    time.sleep(0.5)
    assert not isinstance(watch.take(1), (Shot, Back))
    camera.frozen.clear()
    assert [type(each) for each in until(watch, Shot)] == [Back, Shot]


def test_a_frozen_picture_is_none_where_the_setting_says_so(camera: MjpegCamera, watching: Watching) -> None:
    camera.frozen.set()
    watch = watching(camera.url, same_frame_s=0)
    until(watch, Shot)
    time.sleep(0.5)
    assert isinstance(watch.take(1), Shot)


def test_a_camera_that_hangs_up_is_opened_again(watching: Watching) -> None:
    camera = MjpegCamera()
    watch = watching(camera.url, no_frame_s=2)
    until(watch, Shot)
    camera.close()
    assert isinstance(until(watch, Lost)[-1], Lost)
    again = MjpegCamera(port=camera.port)
    assert [type(each) for each in until(watch, Shot, 20)] == [Back, Shot]
    again.close()


def test_a_camera_that_is_absent_at_the_start_is_awaited(watching: Watching) -> None:
    server = MuteServer()
    server.close()
    watch = watching(f"http://127.0.0.1:{server.port}/video")
    lost = until(watch, Lost)[-1]
    assert isinstance(lost, Lost)
    assert "does not open" in lost.reason
    camera = MjpegCamera(port=server.port)
    assert [type(each) for each in until(watch, Shot, 20)] == [Back, Shot]
    camera.close()


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_a_server_that_accepts_and_says_nothing_is_given_up(watching: Watching, scheme: str) -> None:
    server = MuteServer()
    watch = watching(f"{scheme}://127.0.0.1:{server.port}/video", open_timeout_s=0.5, no_frame_s=0.5)
    assert isinstance(until(watch, Lost)[-1], Lost)
    server.close()


def test_an_open_that_hangs_does_not_hold_up_the_stop() -> None:
    server = MuteServer()
    settings = CameraSettings(source=Source(f"rtsp://127.0.0.1:{server.port}/x"), open_timeout_s=3)
    assert settings.source
    watch = Watch(feed_of(settings.source, settings), settings)
    assert watch.take(0.2) is None
    began = time.monotonic()
    assert not watch.stop(0.2)
    assert time.monotonic() - began < 1
    server.close()
    assert watch.stop(10)


def test_a_file_ends_and_every_frame_comes_however_slow_the_captioner(tmp_path: Path, watching: Watching) -> None:
    film = write_film(tmp_path / "film.mp4", 25)
    watch = watching(str(film), fps=10)
    seen = []
    while not isinstance(happened := until(watch, Shot | Over)[-1], Over):  # type: ignore[arg-type]
        assert isinstance(happened, Shot)
        assert happened.dropped == 0
        time.sleep(0.05)
        assert time.time() - happened.frame.captured_at < 1
        seen.append(happened)
    assert len(seen) == 10
    assert isinstance(watch.take(0), Over)


def test_nothing_comes_before_its_time(tmp_path: Path, watching: Watching) -> None:
    film = write_film(tmp_path / "film.mp4", 1)
    watch = watching(str(film))
    assert watch.take(0.1, time.monotonic() + 60) is None
    until(watch, Shot)
    assert isinstance(watch.take(5), Over)


@pytest.mark.parametrize("address", ["97", "none.mp4", "none/*.jpg"])
def test_a_source_of_this_computer_that_is_absent_at_the_start_is_an_error(watching: Watching, address: str) -> None:
    watch = watching(address)
    with pytest.raises(CameraError, match="there is no "):
        until(watch, Shot)


FALLS_BACK = cv2.__version__.startswith("4.11.")
"""Its FFmpeg takes the other transport where a camera does not have the one that is asked for."""


@pytest.mark.parametrize("transport", [None, "tcp", "udp"])
@pytest.mark.parametrize("served", ["tcp", "udp"])
def test_rtsp_goes_over_the_transport_that_is_asked_for(served: str, transport: Literal["tcp", "udp"] | None) -> None:
    with closing(RtspCamera(transport=served.upper())) as rtsp:
        opens = transport in (served, None) or FALLS_BACK
        feed = feed_of(Source(rtsp.url), CameraSettings(transport=transport, open_timeout_s=10 if opens else 3))
        if opens:
            camera = feed.open()
            assert camera.read()
            camera.close()
        else:
            with pytest.raises(CameraError, match="does not open"):
                feed.open()


def test_rtsp_with_a_login_works_and_a_wrong_password_leaks_nothing(tmp_path: Path) -> None:
    rtsp = RtspCamera()
    script = tmp_path / "look.py"
    script.write_text(
        """
import sys
from edge_caption.cameras.kinds import feed_of
from edge_caption.cameras.source import Source
from edge_caption.cameras.settings import CameraSettings
from edge_caption.errors import CameraError
for address in sys.argv[1:]:
    try:
        camera = feed_of(Source(address), CameraSettings()).open()
        frames = [camera.read() for _ in range(10)]
        print(frames[-1].pixels.shape, any((frames[0].pixels != frame.pixels).any() for frame in frames))
        camera.close()
    except CameraError as error:
        print(error)
"""
    )
    bad = rtsp.url.replace("hush", "wronghush")
    # A process of its own: FFmpeg and OpenCV write on the real standard error.
    done = subprocess.run(
        [sys.executable, script, rtsp.url, bad], capture_output=True, text=True, timeout=60, check=True
    )
    rtsp.close()
    first, second = done.stdout.splitlines()
    assert first == "(240, 320, 3) True"
    assert second == (f"rtsp://127.0.0.1:{rtsp.port}/… does not open; check the address, the password and the network")
    assert done.stderr == ""
