"""How long to wait before the next try."""

from __future__ import annotations

import random


class Backoff:
    """Waits that double from the first to the longest, with jitter so that many devices don't return at once."""

    def __init__(self, first_s: float, longest_s: float) -> None:
        """Take the bounds in seconds."""
        self.first_s = first_s
        self.longest_s = longest_s
        self._step_s = first_s

    def next_s(self) -> float:
        """Return the seconds to wait now: between half the step and the whole of it."""
        wait = self._step_s * random.uniform(0.5, 1)
        self._step_s = min(self._step_s * 2, self.longest_s)
        return wait

    def raise_to(self, step_s: float) -> None:
        """Make the next wait at least about this long."""
        self._step_s = min(max(self._step_s, step_s), self.longest_s)

    def reset(self) -> None:
        """Start over from the first wait; call it after a success that lasted."""
        self._step_s = self.first_s
