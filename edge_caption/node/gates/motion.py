"""Whether something moved since the last caption, told from a small grey picture at next to no cost."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_caption.images.frame import Pixels

WIDTH, HEIGHT = 64, 48

STEP = 14
"""Of 255: noise and compression change a cell by less."""


class Motion:
    """Compares pictures with the one of the last caption. For one thread."""

    def __init__(self, share: float) -> None:
        """Take the share of the picture that must change."""
        self._share = share
        self._before: NDArray[np.int16] | None = None
        self._now: NDArray[np.int16] | None = None

    def moved(self, pixels: Pixels) -> bool:
        """Return whether enough has changed; a picture that grew brighter or darker as a whole has not."""
        grey = cv2.cvtColor(cv2.resize(pixels, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
        self._now = grey.astype(np.int16)
        if self._before is None:
            return True
        change = self._now - self._before
        change -= np.int16(np.median(change))
        return float((np.abs(change) > STEP).mean()) >= self._share

    def keep(self) -> None:
        """Compare with the last picture from now on: it was captioned."""
        self._before = self._now
