"""What every backend makes of a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

Arrays = Sequence[NDArray[Any]]

MAX_BEAMS = 20
"""Sentences that a decoder goes on with in one step, at most."""


class Session(Protocol):
    """A graph that is ready to run."""

    def run(self, **inputs: NDArray[Any]) -> Arrays:
        """Return the outputs in the graph's order; may be called from several threads."""
