"""Pixels -> encoder input. Training, calibration and the device share this file."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_caption.frame import Pixels

SIDE = 224
"""Width and height of the encoder's input, in pixels."""

NAME = "squash-area-224"
"""Written into bundles and calibration tables; change it when `to_input` changes its result."""


def to_input(pixels: Pixels) -> NDArray[np.uint8]:
    """Squash the whole picture to the encoder's square.

    Args:
        pixels: shape (height, width, 3), RGB, 0-255, of any size.

    Returns:
        Shape (1, SIDE, SIDE, 3), RGB, 0-255. Nothing is cropped: a camera's edges count.
    """
    if pixels.shape[:2] == (SIDE, SIDE):
        return pixels[np.newaxis]
    shrinks = min(pixels.shape[:2]) >= SIDE
    # Area averaging does not alias when shrinking; it would be blocky when enlarging.
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (SIDE, SIDE), interpolation=how), np.uint8)[np.newaxis]
