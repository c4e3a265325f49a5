"""What every kind of source looks like to the rest of the program."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_caption.cameras.source import Source
from edge_caption.config import CameraSettings
from edge_caption.errors import CameraError
from edge_caption.frame import Frame
from edge_caption.photos import silence_opencv


class Camera(Protocol):
    """An opened source."""

    def read(self) -> Frame | None:
        """Return the next frame, or None after the last one of a file.

        Raises:
            CameraError: no frame could be read.
        """
        ...

    def close(self) -> None:
        """Give the device or connection back."""
        ...


@dataclass(frozen=True)
class Feed:
    """A source that can be opened, again if need be, and what to expect of it."""

    name: str
    """What logs call it; holds no password."""

    open: Callable[[], Camera]
    """Raises CameraError."""

    live: bool
    """Frames come by themselves: only the newest counts, and silence is a fault. Otherwise every frame counts."""

    patient: bool
    """It may be absent at the start: keep trying. Otherwise that is the user's mistake."""


def feed_of(source: Source, settings: CameraSettings) -> Feed:
    """Return how to open a source."""
    silence_opencv()
    kind = source.kind
    return Feed(str(source), _opener(source, settings), source.live, patient=kind == "stream")


def _opener(source: Source, settings: CameraSettings) -> Callable[[], Camera]:
    """Choose by kind; each file loads only when its kind is used."""
    match source.kind:
        case "device":
            from edge_caption.cameras.device import Device

            return lambda: Device(source)
        case "stream":
            from edge_caption.cameras.stream import Stream

            # The watch is to find silence first and to name it; a second later FFmpeg gives the thread back.
            return lambda: Stream(source, settings.open_timeout_s, settings.no_frame_s + 1)
        case "video":
            from edge_caption.cameras.video import Video

            return lambda: Video(source, settings.fps, loop=settings.loop)
        case "photos":
            from edge_caption.cameras.photo_folder import PhotoFolder

            return lambda: PhotoFolder(source, loop=settings.loop)


def read_now(capture: cv2.VideoCapture, name: str) -> Frame:
    """Return the next frame of OpenCV's capture.

    Raises:
        CameraError: there is none.
    """
    ok, bgr = capture.read()
    captured_at = time.time()
    if not ok:
        raise CameraError(f"{name} gives no more frames; check it and its cable or network")
    return Frame(to_rgb(bgr), captured_at)


def to_rgb(bgr: NDArray[np.uint8] | cv2.typing.MatLike) -> NDArray[np.uint8]:
    """Swap the channels in place, as a large camera's frames are megabytes."""
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB, dst=bgr), np.uint8)
