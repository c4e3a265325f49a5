"""Pixels -> encoder input. Training, calibration and the device share this file."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_caption.frame import Pixels

NAME = "squash-v2"
"""Written into bundles and calibration tables; change it when `to_input` changes its result."""


def to_input(pixels: Pixels, side: int) -> NDArray[np.uint8]:
    """Squash the whole picture to the encoder's square.

    Args:
        pixels: shape (height, width, 3), RGB, 0-255, of any size.
        side: width and height of the encoder's input, in pixels; a bundle's manifest says it.

    Returns:
        Shape (1, side, side, 3), RGB, 0-255. Nothing is cropped: a camera's edges count.
    """
    height, width = pixels.shape[:2]
    if (height, width) == (side, side):
        return pixels[np.newaxis]
    down, across = max(1, height // side), max(1, width // side)
    if down * across > 1:
        # Averaging whole pixels takes a tenth of the time of exact area weights; what is left to shrink, less than
        # twice, does not alias when interpolated.
        pixels = np.asarray(
            cv2.resize(pixels, (width // across, height // down), interpolation=cv2.INTER_AREA), np.uint8
        )
    # EXACT is in integers: the other kind rounds differently on Arm, and every pixel of a large area counts.
    return np.asarray(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_LINEAR_EXACT), np.uint8)[np.newaxis]
