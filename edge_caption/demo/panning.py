"""A camera that pans over photos, so that a first try needs no camera."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from edge_caption.cameras.camera import Feed
from edge_caption.images.frame import Frame, Pixels
from edge_caption.images.photos import list_photos, read_photo

PHOTOS = Path(__file__).with_name("photos")

WIDTH, HEIGHT = 640, 480
FRAMES_PER_S = 15
SECONDS_PER_PHOTO = 4.0
ZOOM = 0.85
"""The window's share of the photo: small enough to move, large enough to show the scene."""


class PanningCamera:
    """An opened camera; its window moves over one photo after the other, for ever."""

    def __init__(self, folder: Path) -> None:
        """List the photos.

        Raises:
            PhotoError: there are none.
        """
        self._frames = _pan(list_photos(folder))
        self._due = time.monotonic()

    def read(self) -> Frame:
        """Return the next frame at its time.

        Raises:
            PhotoError: a photo cannot be read.
        """
        self._due = max(self._due + 1 / FRAMES_PER_S, time.monotonic())
        time.sleep(max(0.0, self._due - time.monotonic()))
        return Frame(next(self._frames), time.time())

    def close(self) -> None:
        """Nothing is open."""


def panning_feed(folder: Path = PHOTOS) -> Feed:
    """Return a feed that behaves as a live camera does."""
    return Feed("the demo's photos", lambda: PanningCamera(folder), live=True, patient=False)


def _pan(photos: list[Path]) -> Iterator[Pixels]:
    count = round(SECONDS_PER_PHOTO * FRAMES_PER_S)
    for photo in itertools.cycle(photos):
        pixels = read_photo(photo)
        for index in range(count):
            yield window(pixels, index / count)


def window(pixels: Pixels, progress: float) -> Pixels:
    """Cut out what the camera sees.

    Args:
        pixels: shape (height, width, 3), RGB, of any size.
        progress: 0 at the first frame of this photo, 1 after the last.

    Returns:
        Shape (HEIGHT, WIDTH, 3), RGB.
    """
    height, width = pixels.shape[:2]
    scale = ZOOM * min(width / WIDTH, height / HEIGHT)
    # An ellipse through the middle of each side, so that the window neither jumps nor stands still.
    angle = 2 * math.pi * progress
    left = (width - WIDTH * scale) * (1 + math.cos(angle)) / 2
    top = (height - HEIGHT * scale) * (1 + math.sin(angle)) / 2
    # Sub-pixel steps: cutting at whole pixels would judder.
    move = np.array([[scale, 0, left], [0, scale, top]])
    seen = cv2.warpAffine(
        pixels,
        move,
        (WIDTH, HEIGHT),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(seen, np.uint8)
