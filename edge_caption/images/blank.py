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

MOST_NOISE = 255 / math.sqrt(2)
"""No picture has more `noise`: all its pixels are 0 or 255, and each differs from the next."""

ROWS, NOISE_ROWS = 240, 32
"""So many rows of a picture at least, and not twice as many, tell of the cells and of the noise."""

NEAR = 4
"""Cells to each side that surround one."""


def _bell() -> NDArray[np.float32]:
    """Return what each cell of a row (SIDE) gives to the mean around each: a bell, mirrored at the row's ends."""
    weights = np.array([math.exp(-(step**2) / 2) for step in range(-NEAR, NEAR + 1)])
    mirrored = np.pad(np.eye(SIDE), ((NEAR, NEAR), (0, 0)), mode="reflect")
    rows = [(weights[:, None] * mirrored[cell : cell + weights.size]).sum(0) for cell in range(SIDE)]
    return np.array(rows / weights.sum(), np.float32)


BELL = _bell()


def shows_nothing(pixels: Pixels) -> str | None:
    """Return what is wrong with a picture that shows nothing, as `it is dark`, or None.

    Args:
        pixels: shape (height, width, 3), RGB.
    """
    rows = _sample(pixels, ROWS)
    cells = cells_of(rows)
    found = detail(cells)
    if found < LEAST_DETAIL:
        return "it is dark" if cells.mean() < DARK else "it is plain or covered"
    # Of noise, whose pixels have nothing in common, so much stays in the cells' means.
    stays = NOISE_SHARE / math.sqrt(rows.shape[0] * rows.shape[1] / SIDE**2)
    # Most pictures have more detail than the strongest noise would leave: theirs need not be measured.
    return "it is noise" if found < stays * MOST_NOISE and found < stays * noise(pixels) else None


def _sample(pixels: Pixels, rows: int) -> Pixels:
    return pixels[:: max(1, pixels.shape[0] // rows)]


def cells_of(pixels: Pixels) -> NDArray[np.float32]:
    """Return the mean colours of the cells, shape (SIDE, SIDE, 3)."""
    return np.asarray(cv2.resize(_sample(pixels, ROWS), (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.float32)


def detail(cells: NDArray[np.float32]) -> float:
    """Return how much the cells (SIDE, SIDE, 3) differ from their surroundings: a slow gradient is no detail."""
    # cv2.GaussianBlur would bring 0.8 MB of its code into memory, and a product of matrices BLAS's.
    rows = np.einsum("ij,jkc->ikc", BELL, cells)
    surroundings = np.einsum("kl,ilc->ikc", BELL, rows)
    return float((cells - surroundings).reshape(-1, 3).std(0).max())


def noise(pixels: Pixels) -> float:
    """Return the standard deviation of the difference between neighbours, as if they had nothing in common."""
    if pixels.shape[1] == 1:
        return 0.0
    # In small integers, which takes a third of the time.
    rows = _sample(pixels, NOISE_ROWS).astype(np.int16)
    return float((rows[:, 1:] - rows[:, :-1]).std()) / math.sqrt(2)
