"""Whether a picture shows anything: dark, plain, covered and noisy ones do not, and no sentence of them is true."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_caption.images.frame import Pixels

SIDE = 16
"""Cells in a row and a column: noise averages out in them, and shapes remain."""

LEAST_DETAIL = 5.0
"""Standard deviation (of 255) between a cell and its surroundings, in the liveliest colour channel.

Of 1,000 Flickr8k dev photos and 200 of COCO the least has 5.5. A covered lens, a green sensor and a plain wall have up
to 4.5. `python -m benchmarks blank` measures it.
"""

NOISE_SHARE = 1.5
"""Detail of up to so many times what pixels without any connection would leave in the cells is noise."""

DARK = 16.0
"""Mean brightness (of 255) below which a plain picture is called dark."""


def shows_nothing(pixels: Pixels) -> str | None:
    """Return what is wrong with a picture that shows nothing, as `it is dark`, or None.

    Args:
        pixels: shape (height, width, 3), RGB.
    """
    cells = np.asarray(cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.float32)
    found = detail(cells)
    if found < LEAST_DETAIL:
        return "it is dark" if cells.mean() < DARK else "it is plain or covered"
    cell = pixels.shape[0] * pixels.shape[1] / SIDE**2
    return "it is noise" if found < NOISE_SHARE * noise(pixels) / math.sqrt(cell) else None


def detail(cells: NDArray[np.float32]) -> float:
    """Return how much the cells (SIDE, SIDE, 3) differ from their surroundings: a slow gradient is no detail."""
    surroundings = cv2.GaussianBlur(cells, (0, 0), 1.0)
    return float((cells - surroundings).reshape(-1, 3).std(0).max())


def noise(pixels: Pixels) -> float:
    """Return the standard deviation of the difference between neighbours, as if they had nothing in common."""
    rows = pixels[::4]
    change = cv2.subtract(rows[:, 1:], rows[:, :-1], dtype=cv2.CV_16S)
    # NumPy would need four times the picture's memory for it.
    _, deviation = cv2.meanStdDev(change.reshape(-1, 1))
    return float(deviation[0, 0]) / math.sqrt(2)
