"""The part of a camera's picture that is looked at: what a mask hides or a region leaves out reaches nobody."""

from __future__ import annotations

from edge_caption.bounds import Polygons, Region
from edge_caption.images.frame import Pixels
from edge_caption.images.masks import hide


class View:
    """Hides the masks and cuts out the region. For one thread."""

    def __init__(self, masks: Polygons, region: Region | None) -> None:
        """Take both as shares (0-1) of the picture's width and height."""
        self.masks = masks
        self.region = region

    def __call__(self, pixels: Pixels) -> Pixels:
        """Return what may be seen: shape (height, width, 3), RGB; the same array where nothing is hidden."""
        height, width = pixels.shape[:2]
        if self.masks:
            pixels = hide(pixels, self.masks)
        if self.region:
            left, top, right, bottom = self.region
            rows = slice(int(top * height), max(int(top * height) + 1, round(bottom * height)))
            pixels = pixels[rows, int(left * width) : max(int(left * width) + 1, round(right * width))]
        return pixels
