"""Pipelines of GStreamer's own test source."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from edge_caption.cameras.camera import Camera
from edge_caption.cameras.csi import csi_pipeline
from edge_caption.cameras.jpeg_stream import JpegStream
from edge_caption.cameras.kinds import csi, kind_of, picamera, pipeline
from edge_caption.cameras.source import Source
from edge_caption.errors import CameraError, ConfigError
from tests.cameras.test_files import opened

needs_gstreamer = pytest.mark.skipif(
    not shutil.which("gst-launch-1.0"), reason="needs gst-launch-1.0; Debian: gstreamer1.0-tools"
)

RED = "videotestsrc is-live=true num-buffers=5 pattern=red ! video/x-raw,width=320,height=240,framerate=20/1"


def children() -> list[str]:
    command = ["ps", "-o", "comm=", "--ppid", str(os.getpid())]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    return [name for name in listed if name.startswith("gst-launch")]


def read_on(camera: Camera, count: int) -> None:
    for _ in range(count):
        camera.read()


@needs_gstreamer
@pytest.mark.parametrize(
    "text",
    [
        RED,
        f"gst:{RED}",
        f"{RED} ! videoconvert ! appsink drop=1",
        f"{RED} ! jpegenc",
        f"{RED} ! theoraenc ! oggmux",
    ],
    ids=["raw", "named", "with a sink", "pictures", "a film"],
)
def test_a_pipeline_gives_its_frames_and_ends(text: str) -> None:
    camera = opened(text)
    frame = camera.read()
    assert frame
    assert frame.pixels.shape == (240, 320, 3)
    assert np.abs(frame.pixels.mean((0, 1)) - (255, 0, 0)).max() < 25
    assert abs(frame.captured_at - time.time()) < 5
    # Of what comes faster than it is encoded, a live camera's older frames are dropped.
    with pytest.raises(CameraError, match="has ended; check the camera"):
        read_on(camera, 5)
    camera.close()
    assert not children()


@needs_gstreamer
def test_what_a_pipeline_complains_of_fills_neither_a_pipe_nor_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GST_DEBUG", "6")  # megabytes on standard error
    camera = opened(RED.replace("num-buffers=5", "num-buffers=40"))
    read_on(camera, 10)
    files = [file.stat() for file in list(Path("/proc/self/fd").iterdir()) if file.exists()]
    assert [file.st_size for file in files if file.st_nlink == 0 and file.st_size > 100_000] == []
    camera.close()


@needs_gstreamer
def test_a_pipeline_may_change_its_size() -> None:
    sizes = ["width=320,height=240", "width=160,height=120"]
    parts = [f"videotestsrc is-live=true num-buffers=2 ! video/x-raw,framerate=20/1,{size} ! c." for size in sizes]
    text = " ".join([*parts, "concat name=c"])
    camera = opened(f"gst:{text}")
    shapes = [frame.pixels.shape for _ in range(4) if (frame := camera.read())]
    camera.close()
    assert shapes == [(240, 320, 3)] * 2 + [(120, 160, 3)] * 2


@needs_gstreamer
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "videotestsrc ! foo",
            "needs the element foo, which is not installed; install the GStreamer plugin that has it",
        ),
        ("videotestsrc patern=3 ! identity", 'is no pipeline (no property "patern" in element "videotestsrc"); try'),
        ("videotestsrc ! ( ", "is no pipeline (syntax error); try"),
        ("v4l2src device=/dev/video97 ! videoconvert", "fails (v4l2src0: Cannot identify device '/dev/video97'); try"),
        ("videotestsrc ! identity name='x", "has a quote without its other; close it"),
    ],
)
def test_a_pipeline_that_does_not_work_is_named_in_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(CameraError) as caught:
        opened(text).read()
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@needs_gstreamer
@pytest.mark.parametrize(
    "text", ["rtspsrc location=rtsp://me:hush@127.0.0.1:1/x ! identity", "filesrc location=rtsp://hush ! x"]
)
def test_what_a_pipeline_says_of_its_properties_is_not_repeated(text: str) -> None:
    source = Source(text)
    with pytest.raises(CameraError) as caught:
        opened(text).read()
    assert "hush" not in f"{caught.value} {source} {source!r}"


@needs_gstreamer
@pytest.mark.parametrize(
    "text",
    ["rtspsrc ! location=rtsp://me:hush@host ! decodebin", "user-pw=hush ! rtspsrc", "a ! hush@host ! b"],
)
def test_a_property_where_an_element_belongs_is_not_shown(text: str) -> None:
    assert "hush" not in str(Source(text))
    with pytest.raises(CameraError) as error:
        opened(text).read()
    assert "hush" not in str(error.value)


def test_a_pipeline_that_says_nothing_is_ended() -> None:
    camera = opened("videotestsrc ! valve drop=true", no_frame_s=0.2)
    with pytest.raises(CameraError, match="gives no frame"):
        camera.read()
    assert children()
    camera.close()
    assert not children()


def test_without_gstreamer_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(CameraError, match=r"gst-launch-1\.0 is not installed; Debian: apt install"):
        opened(RED)


def test_a_path_with_an_exclamation_mark_is_a_path(tmp_path: Path) -> None:
    (tmp_path / "walk ! run.mp4").touch()
    assert kind_of(Source(f"{tmp_path}/walk ! run.mp4")) is not pipeline


def test_a_sensor_is_a_pipeline_of_nvidias_elements() -> None:
    assert kind_of(Source("csi://1")) is csi
    text = csi_pipeline(1, 1920, 1080, 15)
    assert text.startswith(
        "nvarguscamerasrc sensor-id=1 ! video/x-raw(memory:NVMM),width=1920,height=1080,framerate=15/1"
    )
    for fps, rate in ((None, "30/1"), (0.5, "1/2"), (29.97, "2997/100")):
        assert f",framerate={rate} !" in csi_pipeline(0, None, None, fps)


@needs_gstreamer
def test_a_sensor_without_nvidias_elements_is_told() -> None:
    with pytest.raises(CameraError, match="csi://0 needs the element nvarguscamerasrc, which is not installed"):
        opened("csi://0").read()


def test_picamera_is_asked_for_where_it_is_missing() -> None:
    assert kind_of(Source("picamera://0")) is picamera
    with pytest.raises(CameraError, match="picamera2 is not there; install it"):
        opened("picamera://0")


@pytest.mark.parametrize("address", ["csi://", "csi://front", "picamera://0/x@y"])
def test_the_cameras_number_must_be_one(address: str) -> None:
    with pytest.raises(ConfigError, match="source"):
        Source(address)


def test_bytes_without_a_picture_are_no_camera() -> None:
    with pytest.raises(CameraError, match="sends no JPEGs"):
        JpegStream(lambda _: b"x" * 1_000_000, lambda: None, "bytes").read()
