"""Pixels -> encoder input. Training, calibration and the device share this file."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_caption.frame import Pixels

SIDE = 224
"""Width and height of the encoder's input, in pixels."""

NAME = "squash-224-v1"
"""Written into bundles and calibration tables; change it when `to_input` changes its result."""


def to_input(pixels: Pixels) -> NDArray[np.uint8]:
    """Squash the whole picture to the encoder's square.

    Args:
        pixels: shape (height, width, 3), RGB, 0-255, of any size.

    Returns:
        Shape (1, SIDE, SIDE, 3), RGB, 0-255. Nothing is cropped: a camera's edges count.
    """
    height, width = pixels.shape[:2]
    if (height, width) == (SIDE, SIDE):
        return pixels[np.newaxis]
    down, across = max(1, height // SIDE), max(1, width // SIDE)
    if down * across > 1:
        # Averaging whole pixels takes a tenth of the time of exact area weights; what is left to shrink, less than
        # twice, does not alias when interpolated.
        pixels = np.asarray(
            cv2.resize(pixels, (width // across, height // down), interpolation=cv2.INTER_AREA), np.uint8
        )
    return np.asarray(cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR), np.uint8)[np.newaxis]
