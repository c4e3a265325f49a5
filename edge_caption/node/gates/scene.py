"""Whether the encoder sees another scene than at the last caption: only then the decoder runs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Scene:
    """Compares the encoder's regions with those of the last caption. For one thread."""

    def __init__(self, distance: float) -> None:
        """Take the distance from which on a scene is another one: 0 is the same, 1 has nothing in common."""
        self._distance = distance
        self._before: NDArray[np.float32] | None = None
        self._now: NDArray[np.float32] | None = None

    def changed(self, regions: NDArray[np.float32]) -> bool:
        """Return whether the scene is another one.

        Args:
            regions: of the encoder, any shape.
        """
        self._now = np.ravel(regions)
        return self._before is None or distance(self._before, self._now) >= self._distance

    def keep(self) -> None:
        """Compare with these regions from now on: they were captioned."""
        self._before = self._now


def distance(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Return 1 - the cosine between two vectors; 1 where their lengths differ, as after a change of the model."""
    if one.shape != other.shape:
        return 1.0
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return 1 - float(one @ other) / lengths if lengths else 1.0
