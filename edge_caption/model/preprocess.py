"""Pixels -> encoder input. Training, calibration and the device share this file."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_caption.images.frame import Pixels

NAME = "squash-v2"
"""Written into bundles and calibration tables; change it when `to_input` changes its result."""


LEAST = 0.75
"""Share of the encoder's side that halving a picture leaves of its shorter one."""


def to_input(pixels: Pixels, side: int) -> NDArray[np.uint8]:
    """Squash the whole picture to the encoder's square.

    Args:
        pixels: shape (height, width, 3), RGB, 0-255, of any size.
        side: width and height of the encoder's input, in pixels; a bundle's manifest says it.

    Returns:
        Shape (1, side, side, 3), RGB, 0-255. Nothing is cropped: a camera's edges count.
    """
    if pixels.shape[:2] == (side, side):
        return pixels[np.newaxis]
    # Averaging squares of four pixels is what OpenCV does fastest by far, and what interpolation would otherwise skip.
    while max(pixels.shape[:2]) >= 2 * side and min(pixels.shape[:2]) >= 2 * LEAST * side:
        height, width = pixels.shape[0] // 2, pixels.shape[1] // 2
        whole = pixels[: 2 * height, : 2 * width]
        pixels = np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    # EXACT is in integers: the other kind rounds differently on Arm, and every pixel of a large area counts.
    return np.asarray(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_LINEAR_EXACT), np.uint8)[np.newaxis]
