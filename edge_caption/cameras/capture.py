"""What the sources that OpenCV reads share."""

from __future__ import annotations

import os
import time

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_caption.errors import CameraError
from edge_caption.images.frame import Frame
from edge_caption.images.photos import silence_opencv


def silence_ffmpeg() -> None:
    """Keep FFmpeg's and OpenCV's messages off stderr: they can repeat a URL, password included."""
    silence_opencv()
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET


def read_now(capture: cv2.VideoCapture, name: str) -> Frame:
    """Return the next frame of OpenCV's capture.

    Raises:
        CameraError: there is none.
    """
    if not capture.grab():
        raise _ended(name)
    captured_at = time.time()  # before pixels are made of it, which takes milliseconds
    ok, bgr = capture.retrieve()
    if not ok:
        raise _ended(name)
    return Frame(to_rgb(bgr), captured_at)


def skip_now(capture: cv2.VideoCapture, name: str) -> None:
    """Pass the next frame of OpenCV's capture, without making pixels of it.

    Raises:
        CameraError: there is none.
    """
    if not capture.grab():
        raise _ended(name)


def _ended(name: str) -> CameraError:
    return CameraError(f"{name} gives no more frames; check it and its cable or network")


def to_rgb(bgr: NDArray[np.uint8] | cv2.typing.MatLike) -> NDArray[np.uint8]:
    """Swap the channels in place, as a large camera's frames are megabytes."""
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB, dst=bgr), np.uint8)


def codec_of(capture: cv2.VideoCapture) -> str:
    """Return the four letters of what compresses the frames; empty where OpenCV does not know."""
    code = int(capture.get(cv2.CAP_PROP_FOURCC))
    return code.to_bytes(4, "little").decode("latin-1").strip("\0 ") if code > 0 else ""
