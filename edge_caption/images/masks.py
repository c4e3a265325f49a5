"""Parts of a picture that nobody may see."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from edge_caption.bounds import Polygon, Region
from edge_caption.images.frame import Pixels

GREY = (127, 127, 127)
"""What a hidden part looks like: without a shape, so that no sentence tells of it."""


def hide(pixels: Pixels, masks: Iterable[Polygon], region: Region | None = None) -> Pixels:
    """Return a copy with the masks in grey.

    Args:
        pixels: shape (height, width, 3), RGB: the camera's picture, or its region alone.
        masks: corners as shares (0-1) of the camera's whole picture.
        region: what the pixels show of it, as shares; None: all.
    """
    height, width = pixels.shape[:2]
    left, top, right, bottom = region or (0.0, 0.0, 1.0, 1.0)
    scale = np.array([width / (right - left), height / (bottom - top)])
    corners = [np.rint((np.array(mask, np.float64) - (left, top)) * scale).astype(np.int32) for mask in masks]
    hidden = pixels.copy()
    cv2.fillPoly(hidden, corners, GREY)
    return hidden
