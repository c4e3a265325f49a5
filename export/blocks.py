"""Weights in few bits, with a scale for every block of a row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.ranges import NARROW

SHARES = {8: np.ones(1), 4: np.linspace(0.7, 1.0, 13)}
"""Bits of a weight -> shares of a block's largest weight that its integers may reach; what lies beyond is clipped.

In 4 bits some clipped weights cost less than coarse steps for all.
"""


def quantize_blocks(weight: NDArray[Any], bits: int, block: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Quantize (N, K) weights symmetrically, each block of a row at the scale with the least squared error.

    Returns:
        Integers (N, K / block, block), scales (N, K / block).
    """
    middle = 2 ** (bits - 1)
    blocks = weight.reshape(len(weight), -1, block)
    largest = np.maximum(np.abs(blocks).max(2) / (middle - 1), NARROW)
    candidates = (SHARES[bits][:, None, None] * largest).astype(np.float32)[..., None]  # (shares, N, blocks, 1)
    rounded = [np.clip(np.round(blocks / scales), -middle, middle - 1) for scales in candidates]
    errors = [((one * scales - blocks) ** 2).sum(2) for one, scales in zip(rounded, candidates, strict=True)]
    best = np.argmin(errors, 0)[None, ..., None]  # (1, N, blocks, 1)
    (scales,) = np.take_along_axis(candidates, best, 0)[..., 0]
    (integers,) = np.take_along_axis(np.stack(rounded), best, 0)
    return integers.astype(np.int8), scales
