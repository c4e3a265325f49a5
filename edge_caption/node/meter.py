"""Counts what one camera's captions cost."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

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
        self.stages_ms: dict[str, deque[float]] = {}
        """Of each stage in the captioner."""

    def count(self, latency_ms: float, age_ms: float, stages_ms: Mapping[str, float]) -> None:
        """Count one caption."""
        self.captions += 1
        self._at.append(time.monotonic())
        self._forget_old()
        self.latency_ms.append(latency_ms)
        self.age_ms.append(age_ms)
        for stage, spent_ms in stages_ms.items():
            self.stages_ms.setdefault(stage, deque(maxlen=RECENT)).append(spent_ms)

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
            stages_ms=stages([self]),
            state=state,
        )

    def _fps(self) -> float:
        now = time.monotonic()
        recent = sum(at > now - RATE_S for at in tuple(self._at))
        return round(recent / min(RATE_S, max(now - self._started, 1.0)), 2)

    def _forget_old(self) -> None:
        while self._at[0] < self._at[-1] - RATE_S:
            self._at.popleft()


def stages(meters: Sequence[Meter]) -> dict[str, Percentiles]:
    """Return each stage's percentiles over several cameras."""
    # Other threads ask, too, while a caption is counted.
    named = [dict(meter.stages_ms) for meter in meters]
    taken = {
        stage: percentiles(chain.from_iterable(tuple(each.get(stage, ())) for each in named)) for stage in chain(*named)
    }
    return {stage: found for stage, found in taken.items() if found}


def percentiles(values: Iterable[float]) -> Percentiles | None:
    """Return the median, the 95th percentile and the largest of some milliseconds, by nearest rank; None of none."""
    ordered = sorted(values)
    if not ordered:
        return None
    ranks = (-(-len(ordered) * percent // 100) for percent in (50, 95, 100))  # rounded up, from 1 on
    return Percentiles(*(round(ordered[rank - 1], 1) for rank in ranks))
