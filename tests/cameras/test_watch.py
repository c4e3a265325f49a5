"""What a camera's faults look like to the program; real cameras over HTTP and RTSP."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from edge_caption.cameras.camera import Feed
from edge_caption.cameras.kinds import feed_of
from edge_caption.cameras.newest import Shot
from edge_caption.cameras.settings import CameraSettings
from edge_caption.cameras.source import Source
from edge_caption.cameras.watch import Back, Lost, Over, Watch
from edge_caption.errors import CameraError
from edge_caption.images.frame import Frame
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


class HangingCamera:
    """Gives one frame, then hangs as a driver does: the real ones cannot be made to on demand."""

    def __init__(self) -> None:
        self.reads = 0

    def read(self) -> Frame:
        self.reads += 1
        if self.reads > 1:
            time.sleep(3)
        return Frame(np.zeros((4, 4, 3), np.uint8), time.time())

    def close(self) -> None:
        pass


def test_reads_that_hang_are_left_behind_but_not_without_end() -> None:
    opened: list[HangingCamera] = []

    def open_camera() -> HangingCamera:
        opened.append(HangingCamera())
        return opened[-1]

    settings = CameraSettings(no_frame_s=0.1, open_timeout_s=0.1)
    watch = Watch(Feed("hanging", open_camera, live=True, patient=True), settings)
    kinds = [type(watch.take(0.05)) for _ in range(50)]
    assert kinds.count(Lost) >= 1
    assert kinds.count(Back) >= 1
    assert 2 <= len(opened) <= 4
    assert watch.stop(5)


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


@pytest.fixture
def rtsp_port() -> Iterator[int]:
    with rtsp_camera() as port:
        yield port


@contextmanager
def rtsp_camera(*arguments: str) -> Iterator[int]:
    """Run GStreamer's server, whose Python bindings only Debian's own Python has; give its port."""
    command = ["/usr/bin/python3", str(Path(__file__).with_name("rtsp_server.py")), *arguments]
    try:
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    except FileNotFoundError:
        pytest.skip("there is no /usr/bin/python3")
    with server:
        assert server.stdout
        assert server.stderr
        port = server.stdout.readline()
        if not port.strip():
            reason = server.stderr.read().strip().splitlines()[-1]
            pytest.skip(
                f"no RTSP server ({reason}); Debian: python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good"
            )
        try:
            yield int(port)
        finally:
            server.kill()


@pytest.mark.parametrize("served", ["tcp", "udp"])
def test_rtsp_goes_over_the_transport_that_is_asked_for(served: str) -> None:
    with rtsp_camera(served.upper()) as port:
        source = Source(f"rtsp://me:hush@127.0.0.1:{port}/porch")
        for transport in (None, "tcp", "udp"):
            feed = feed_of(source, CameraSettings(transport=transport, open_timeout_s=3))
            if transport in (served, None):
                camera = feed.open()
                assert camera.read()
                camera.close()
            else:
                with pytest.raises(CameraError, match="does not open"):
                    feed.open()


def test_rtsp_with_a_login_works_and_a_wrong_password_leaks_nothing(rtsp_port: int, tmp_path: Path) -> None:
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
    good, bad = (f"rtsp://me:{password}@127.0.0.1:{rtsp_port}/porch" for password in ("hush", "wronghush"))
    # A process of its own: FFmpeg and OpenCV write on the real standard error.
    done = subprocess.run([sys.executable, script, good, bad], capture_output=True, text=True, timeout=60, check=True)
    first, second = done.stdout.splitlines()
    assert first == "(240, 320, 3) True"
    assert second == (f"rtsp://127.0.0.1:{rtsp_port}/… does not open; check the address, the password and the network")
    assert done.stderr == ""
