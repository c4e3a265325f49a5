"""The part of a camera's picture that is looked at: what a mask hides or a region leaves out reaches nobody."""

from __future__ import annotations

import cv2
import numpy as np

from edge_caption.images.frame import Pixels
from edge_caption.node.gates.settings import Polygon, Region

GREY = (127, 127, 127)
"""What a hidden part looks like: without a shape, so that no sentence tells of it."""


class View:
    """Hides the masks and cuts out the region. For one thread."""

    def __init__(self, masks: tuple[Polygon, ...], region: Region | None) -> None:
        """Take both as shares (0-1) of the picture's width and height."""
        self._masks = [np.array(mask, np.float64) for mask in masks]
        self._region = region

    def __call__(self, pixels: Pixels) -> Pixels:
        """Return what may be seen: shape (height, width, 3), RGB; the same array where nothing is hidden."""
        height, width = pixels.shape[:2]
        if self._masks:
            pixels = pixels.copy()
            corners = [np.rint(mask * (width, height)).astype(np.int32) for mask in self._masks]
            cv2.fillPoly(pixels, corners, GREY)
        if self._region:
            left, top, right, bottom = self._region
            rows = slice(int(top * height), max(int(top * height) + 1, round(bottom * height)))
            pixels = pixels[rows, int(left * width) : max(int(left * width) + 1, round(right * width))]
        return pixels
