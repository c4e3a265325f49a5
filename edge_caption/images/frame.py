"""A camera's picture and when it was taken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""RGB, shape (height, width, 3), values 0-255."""


@dataclass(frozen=True)
class Frame:
    """A camera frame."""

    pixels: Pixels
    """RGB, shape (height, width, 3), values 0-255."""

    captured_at: float
    """Seconds since the Unix epoch, taken when the frame left the driver."""
