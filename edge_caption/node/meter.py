"""Counts what one camera's captions cost."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable

from edge_caption.records import CameraHealth, CameraState, Percentiles

RATE_S = 30.0
"""The time that a rate is measured over."""

RECENT = 256
"""Captions of a camera that the percentiles are taken over."""


class Meter:
    """Counts one camera's captions and how long they took."""

    def __init__(self) -> None:
        """Start the clock."""
        self.captions = 0
        self.silenced = 0
        self.frames_dropped = 0
        self._started = time.monotonic()
        self._at: deque[float] = deque()
        """Monotonic seconds of each caption of the last RATE_S."""
        self.latency_ms: deque[float] = deque(maxlen=RECENT)
        """Of the captioner alone."""
        self.age_ms: deque[float] = deque(maxlen=RECENT)
        """From a frame's arrival to the disk."""

    def count(self, latency_ms: float, age_ms: float) -> None:
        """Count one caption."""
        self.captions += 1
        self._at.append(time.monotonic())
        self._forget_old()
        self.latency_ms.append(latency_ms)
        self.age_ms.append(age_ms)

    def health(self, state: CameraState | None, *, reconnects: int, held: dict[str, int]) -> CameraHealth:
        """Return the camera's health; its rate is over the last RATE_S."""
        return CameraHealth(
            online=state == "online",
            fps=self._fps(),
            captions=self.captions,
            silenced=self.silenced,
            latency_ms=percentiles(self.latency_ms),
            age_ms=percentiles(self.age_ms),
            frames_dropped=self.frames_dropped,
            reconnects=reconnects,
            held=held,
            state=state,
        )

    def _fps(self) -> float:
        now = time.monotonic()
        recent = sum(at > now - RATE_S for at in tuple(self._at))
        return round(recent / min(RATE_S, max(now - self._started, 1.0)), 2)

    def _forget_old(self) -> None:
        while self._at[0] < self._at[-1] - RATE_S:
            self._at.popleft()


def percentiles(values: Iterable[float]) -> Percentiles | None:
    """Return the median, the 95th percentile and the largest of some milliseconds, by nearest rank; None of none."""
    ordered = sorted(values)
    if not ordered:
        return None
    ranks = (-(-len(ordered) * percent // 100) for percent in (50, 95, 100))  # rounded up, from 1 on
    return Percentiles(*(round(ordered[rank - 1], 1) for rank in ranks))
