"""The frames that are captioned: the photos that ship with the program, as a camera of 640x480 gives them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from edge_caption.images.frame import Pixels
from edge_caption.images.photos import list_photos, read_photo

PHOTOS = Path(__file__).parent.parent.parent / "demo" / "photos"

WIDTH, HEIGHT = 640, 480

QUALITY = 90
"""Of JPEG; cameras that send JPEG choose 80 to 95."""


def frames() -> list[Pixels]:
    """Return the shipped photos, each of shape (HEIGHT, WIDTH, 3), RGB."""
    photos = [read_photo(photo) for photo in list_photos(PHOTOS)]
    return [np.asarray(cv2.resize(photo, (WIDTH, HEIGHT)), np.uint8) for photo in photos]


def jpegs() -> list[bytes]:
    """Return the frames as JPEG files."""
    settings = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    encoded = [cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), settings)[1] for frame in frames()]
    return [data.tobytes() for data in encoded]
