"""How the running program does, counted as it goes."""

from __future__ import annotations

import resource
import time
from collections import deque
from pathlib import Path

from edge_caption.mqtt.messages import Percentiles

RECENT = 256
"""Captions that the percentiles are taken over."""


class Meter:
    """Counts captions and how long they took."""

    def __init__(self) -> None:
        """Start the clock."""
        self.captions = 0
        self.silenced = 0
        self.frames_dropped = 0
        self._started = self._measured = time.monotonic()
        self._captions_then = 0
        self._latency_ms: deque[float] = deque(maxlen=RECENT)
        self._age_ms: deque[float] = deque(maxlen=RECENT)

    def count(self, latency_ms: float, age_ms: float) -> None:
        """Count one caption."""
        self.captions += 1
        self._latency_ms.append(latency_ms)
        self._age_ms.append(age_ms)

    @property
    def uptime_s(self) -> float:
        """Seconds since the start."""
        return round(time.monotonic() - self._started, 1)

    @property
    def latency_ms(self) -> Percentiles | None:
        """Of the captioner alone."""
        return _percentiles(self._latency_ms)

    @property
    def age_ms(self) -> Percentiles | None:
        """From a frame's arrival to the disk."""
        return _percentiles(self._age_ms)

    def measure_fps(self) -> float:
        """Return captions a second since the last call."""
        now = time.monotonic()
        fps = (self.captions - self._captions_then) / max(now - self._measured, 1e-3)
        self._measured, self._captions_then = now, self.captions
        return round(fps, 2)


def resident_mb() -> float:
    """Return the process's resident memory in megabytes (10^6 bytes), 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return round(pages * resource.getpagesize() / 1e6, 1)


def _percentiles(values: deque[float]) -> Percentiles | None:
    if not values:
        return None
    ordered = sorted(values)
    return Percentiles(*(round(ordered[min(int(len(ordered) * part), len(ordered) - 1)], 1) for part in (0.5, 0.95, 1)))
