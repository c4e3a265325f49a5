"""Cameras of this computer. No machine of ours has one, so the driver is a stand-in; its properties are OpenCV's own.

What is tested is what OpenCV is asked for and in which order, and what is said of a refusal. Not tried on hardware.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_caption.cameras.device import Device
from edge_caption.cameras.settings import CameraSettings
from edge_caption.cameras.source import Source
from edge_caption.errors import CameraError

YUYV, MJPG = cv2.VideoWriter.fourcc(*"YUYV"), cv2.VideoWriter.fourcc(*"MJPG")

MODES = {YUYV: {(640, 480): 30, (1280, 720): 5}, MJPG: {(640, 480): 30, (1280, 720): 30, (1920, 1080): 30}}
"""Of a usual USB camera: each format's sizes, and the frames a second at each."""


class Driver:
    """What V4L2 does: another format begins with its own size, and what is asked for becomes the nearest there is."""

    def __init__(self, path: str, api: int) -> None:
        self.path, self.api, self.asked = path, api, list[int]()
        self.opened = True
        self.stamp_ms = 0.0
        """When it had the newest frame."""
        self._pixel_format, self._size, self._fps, self._buffers = YUYV, (640, 480), 30.0, 4.0
        self._width = 640.0

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return self.opened

    def set(self, what: int, value: float) -> bool:
        self.asked.append(what)
        modes = MODES[self._pixel_format]
        match what:
            case cv2.CAP_PROP_FOURCC if int(value) in MODES:
                self._pixel_format, self._size, self._fps = int(value), (640, 480), 30.0
            case cv2.CAP_PROP_FRAME_WIDTH:  # OpenCV asks the driver when it has both
                self._width = value
            case cv2.CAP_PROP_FRAME_HEIGHT:
                self._size = min(modes, key=lambda size: abs(size[0] - self._width) + abs(size[1] - value))
                self._fps = float(modes[self._size])
            case cv2.CAP_PROP_FPS:
                self._fps = min(value, float(modes[self._size]))
            case cv2.CAP_PROP_BUFFERSIZE:
                self._buffers = value
        return True

    def get(self, what: int) -> float:
        width, height = self._size
        return {
            cv2.CAP_PROP_FOURCC: float(self._pixel_format),
            cv2.CAP_PROP_FRAME_WIDTH: float(width),
            cv2.CAP_PROP_FRAME_HEIGHT: float(height),
            cv2.CAP_PROP_FPS: self._fps,
            cv2.CAP_PROP_BUFFERSIZE: self._buffers,
            cv2.CAP_PROP_POS_MSEC: self.stamp_ms,
        }[what]

    def retrieve(self) -> tuple[bool, np.ndarray | None]:
        width, height = self._size
        return self.opened, np.full((height, width, 3), (255, 0, 0), np.uint8)  # blue, in OpenCV's order

    def grab(self) -> bool:
        return self.opened

    def release(self) -> None:
        self.opened = False


@pytest.fixture
def drivers(monkeypatch: pytest.MonkeyPatch) -> list[Driver]:
    opened: list[Driver] = []

    def open_driver(path: str, api: int) -> Driver:
        opened.append(Driver(path, api))
        return opened[-1]

    monkeypatch.setattr(cv2, "VideoCapture", open_driver)
    return opened


@pytest.fixture
def source(tmp_path: Path) -> Source:
    (tmp_path / "video0").touch()
    return Source(str(tmp_path / "video0"))


def test_a_camera_gets_its_settings_and_says_nothing(
    drivers: list[Driver], source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    settings = CameraSettings(width=1280, height=720, capture_fps=15, pixel_format="mjpg")
    device = Device(source, settings)
    (driver,) = drivers
    assert (driver.path, driver.api) == (source.address, cv2.CAP_V4L2)
    frame = device.read()
    assert frame.pixels.shape == (720, 1280, 3)
    assert frame.pixels[0, 0].tolist() == [0, 0, 255]
    assert (driver.get(cv2.CAP_PROP_FOURCC), driver.get(cv2.CAP_PROP_FPS)) == (MJPG, 15)
    assert driver.get(cv2.CAP_PROP_BUFFERSIZE) == 1
    assert device.codec == "MJPG"
    assert not caplog.records
    device.close()
    assert not driver.opened


@pytest.mark.parametrize(("stamped_s", "early_s"), [(0.08, 0.08), (3.0, 3.0), (100.0, 0.0), (-1e9, 0.0)])
def test_the_time_of_a_frame_is_the_drivers_where_it_has_our_clock(
    drivers: list[Driver], source: Source, stamped_s: float, early_s: float
) -> None:
    device = Device(source, CameraSettings())
    drivers[0].stamp_ms = 1000 * (time.monotonic() - stamped_s)
    assert device.read().captured_at == pytest.approx(time.time() - early_s, abs=0.05)


def test_what_a_camera_does_not_do_is_named_once(
    drivers: list[Driver], source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    settings = CameraSettings(width=1920, height=1080, capture_fps=30, pixel_format="YUYV")
    with caplog.at_level(logging.WARNING):
        Device(source, settings)
    (record,) = caplog.records
    assert "does not do the width and height and rate asked for" in record.getMessage()
    assert "v4l2-ctl --list-formats-ext" in record.getMessage()


def test_nothing_is_asked_of_a_camera_that_may_do_as_it_likes(drivers: list[Driver], source: Source) -> None:
    Device(source, CameraSettings())
    assert drivers[0].asked == [cv2.CAP_PROP_BUFFERSIZE]


def test_a_camera_that_gives_no_more_is_lost(drivers: list[Driver], source: Source) -> None:
    device = Device(source, CameraSettings())
    device.skip()
    drivers[0].opened = False
    for read in (device.read, device.skip):
        with pytest.raises(CameraError, match="gives no more frames; check it and its cable"):
            read()


def test_a_camera_of_another_group_is_told_with_what_to_do(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)  # root, who runs our tests, may use any
    with pytest.raises(CameraError, match="may not be used by this user; add the user to the group video"):
        Device(source, CameraSettings())


def test_real_opencv_refuses_a_file_as_a_camera_with_one_sentence(source: Source) -> None:
    with pytest.raises(CameraError, match="does not open; close the program that uses it, or try another index"):
        Device(source, CameraSettings(width=1280))
