"""Counts what one camera's captions cost."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable

from edge_caption.records import CameraHealth, Percentiles

RECENT = 256
"""Captions of a camera that the percentiles are taken over."""


class Meter:
    """Counts one camera's captions and how long they took."""

    def __init__(self) -> None:
        """Start the clock."""
        self.captions = 0
        self.silenced = 0
        self.frames_dropped = 0
        self._measured = time.monotonic()
        self._captions_then = 0
        self.latency_ms: deque[float] = deque(maxlen=RECENT)
        """Of the captioner alone."""
        self.age_ms: deque[float] = deque(maxlen=RECENT)
        """From a frame's arrival to the disk."""

    def count(self, latency_ms: float, age_ms: float) -> None:
        """Count one caption."""
        self.captions += 1
        self.latency_ms.append(latency_ms)
        self.age_ms.append(age_ms)

    def health(self, *, online: bool, reconnects: int) -> CameraHealth:
        """Return the camera's health; its rate is over the time since the last call."""
        return CameraHealth(
            online=online,
            fps=self._measure_fps(),
            captions=self.captions,
            silenced=self.silenced,
            latency_ms=percentiles(self.latency_ms),
            age_ms=percentiles(self.age_ms),
            frames_dropped=self.frames_dropped,
            reconnects=reconnects,
        )

    def _measure_fps(self) -> float:
        now = time.monotonic()
        fps = (self.captions - self._captions_then) / max(now - self._measured, 1e-3)
        self._measured, self._captions_then = now, self.captions
        return round(fps, 2)


def percentiles(values: Iterable[float]) -> Percentiles | None:
    """Return the median, the 95th percentile and the largest of some milliseconds, by nearest rank; None of none."""
    ordered = sorted(values)
    if not ordered:
        return None
    ranks = (-(-len(ordered) * percent // 100) for percent in (50, 95, 100))  # rounded up, from 1 on
    return Percentiles(*(round(ordered[rank - 1], 1) for rank in ranks))
