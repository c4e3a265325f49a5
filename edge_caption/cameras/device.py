"""A camera of this computer: a USB camera's index or a V4L2 path."""

from __future__ import annotations

import logging
import os
import time
from dataclasses import replace
from pathlib import Path

import cv2

from edge_caption.cameras.capture import codec_of, read_now, silence_ffmpeg, skip_now
from edge_caption.cameras.settings import CameraSettings
from edge_caption.cameras.source import Source
from edge_caption.errors import CameraError
from edge_caption.images.frame import Frame

log = logging.getLogger(__name__)

LONGEST_WAIT_S = 5.0
"""A frame that would have waited longer than that was stamped by another clock."""

WORDS = {
    cv2.CAP_PROP_FOURCC: "pixel format",
    cv2.CAP_PROP_FRAME_WIDTH: "width",
    cv2.CAP_PROP_FRAME_HEIGHT: "height",
    cv2.CAP_PROP_FPS: "rate",
}


class Device:
    """An opened camera of this computer."""

    def __init__(self, source: Source, settings: CameraSettings) -> None:
        """Open it.

        Raises:
            CameraError: it is not there, may not be used, or another program has it.
        """
        silence_ffmpeg()
        path = f"/dev/video{int(source.address)}" if source.address.isdecimal() else source.address
        _check(path)
        self._name = path
        self._capture = cv2.VideoCapture(os.path.realpath(path), cv2.CAP_V4L2)
        if not self._capture.isOpened():
            raise CameraError(f"the camera {path} does not open; close the program that uses it, or try another index")
        # One buffer: the driver's queue would only hold old frames.
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        _request(self._capture, path, settings)

    def read(self) -> Frame:
        """Return the next frame.

        Raises:
            CameraError: there is none.
        """
        frame = read_now(self._capture, self._name)
        # V4L2 tells when the driver had it, by the monotonic clock; a driver with another clock is not listened to.
        waited_s = time.monotonic() - self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        return replace(frame, captured_at=time.time() - waited_s) if 0 <= waited_s < LONGEST_WAIT_S else frame

    def skip(self) -> None:
        """Pass the next frame.

        Raises:
            CameraError: there is none.
        """
        skip_now(self._capture, self._name)

    @property
    def codec(self) -> str:
        """What compresses its frames."""
        return codec_of(self._capture)

    def close(self) -> None:
        """Give the camera back."""
        self._capture.release()


def _request(capture: cv2.VideoCapture, name: str, settings: CameraSettings) -> None:
    """Ask for the settings and report what the camera does not do; it then does something near."""
    wanted = {
        # First, as sizes and rates depend on it.
        cv2.CAP_PROP_FOURCC: cv2.VideoWriter.fourcc(*settings.pixel_format.upper()) if settings.pixel_format else None,
        cv2.CAP_PROP_FRAME_WIDTH: settings.width,
        cv2.CAP_PROP_FRAME_HEIGHT: settings.height,
        cv2.CAP_PROP_FPS: settings.capture_fps,
    }
    for what, value in wanted.items():
        if value is not None:
            capture.set(what, value)
    refused = [WORDS[what] for what, value in wanted.items() if value is not None and capture.get(what) != value]
    if refused:
        log.warning(
            "the camera %s does not do the %s asked for; v4l2-ctl --list-formats-ext tells what it does",
            name,
            " and ".join(refused),
        )


def _check(path: str) -> None:
    if not Path(path).exists():
        present = sorted(str(device) for device in Path("/dev").glob("video*"))
        raise CameraError(f"there is no camera {path}; present: {', '.join(present) or 'none'}")
    if not os.access(path, os.R_OK | os.W_OK):
        raise CameraError(f"the camera {path} may not be used by this user; add the user to the group video")
