"""Keeps the program to its share of the processor, and the computer below a temperature, by fewer captions.

Processor time is an account. It grows by what is allowed, and all that the program uses is taken from it. The next
frame is taken when the account is not in debt. So the mean is exact, whatever a caption costs and whatever else the
program does. Of several cameras the one longest past its due time is still the next, so all lose alike.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from typing import Literal, Protocol

from edge_caption.errors import ConfigError
from edge_caption.node.settings import BudgetSettings

log = logging.getLogger(__name__)

SAVED_S = 1.0
"""What a quiet time leaves for later is at most what is allowed in so long."""

LONGEST_WAIT_S = 10.0
"""One frame in so long is captioned, though reading the cameras alone may take more than is allowed."""

LOOK_S = 5.0
"""Between two looks at the temperature."""

MARGIN_C, BAND_C = 1.0, 2.0
"""The temperature is kept so far below its limit, and left alone in a band below that."""

STEP, LARGEST_STEP = 0.05, 0.3
"""Of the allowance, what is taken for each degree too many, or given for each degree below the band."""

LEAST_SHARE = 0.005

REMEMBERED_S = 30.0
"""How long ago the last wait may be for captions to count as slowed down."""

Limit = Literal["cpu_share", "temperature_c"]


class Gauges(Protocol):
    """What tells how much is used."""

    def cpu_s(self) -> float:
        """Return the processor time of this program and its children so far, in seconds."""
        ...

    def temperature_c(self) -> float | None:
        """Return the computer's temperature."""
        ...


class Budget:
    """Says when the next frame may be taken. For one thread; `share` and `slowed_by` are for any."""

    def __init__(
        self,
        settings: BudgetSettings,
        gauges: Gauges,
        clock: Callable[[], float] = time.monotonic,
        cores: int | None = None,
    ) -> None:
        """Begin with nothing saved.

        Args:
            settings: the limits.
            gauges: what tells how much is used.
            clock: monotonic seconds.
            cores: that this program may use; None: as many as the system says.

        Raises:
            ConfigError: a temperature is to be kept, and this computer tells none.
        """
        self._limit_c = settings.temperature_c
        self._cpu_share = settings.cpu_share
        self._gauges, self._clock = gauges, clock
        self._cores = cores or len(os.sched_getaffinity(0))
        self._now, self._cpu_s = clock(), gauges.cpu_s()
        self._cool_share: float | None = None
        self._looked = self._now, self._cpu_s, gauges.temperature_c()
        if self._limit_c and self._looked[2] is None:
            raise ConfigError(
                "this computer tells no temperature; leave temperature_c out of [budget], or set cpu_share"
            )
        self._credit_s = self._cost_s = 0.0
        self._taken = self._now
        self._waited = -float("inf")
        self._told: Limit | None = None
        self._complained = False

    @property
    def share(self) -> float | None:
        """Of all cores, what the program may use now; None: as much as it likes."""
        return min((share for share in (self._cpu_share, self._cool_share) if share is not None), default=None)

    @property
    def slowed_by(self) -> Limit | None:
        """The limit that lately made cameras wait."""
        if self.share is None or self._clock() - self._waited > REMEMBERED_S:
            return None
        return "cpu_share" if self.share == self._cpu_share else "temperature_c"

    def update(self) -> None:
        """Bring the account up to date; before cameras are looked at."""
        then, cpu_s = self._now, self._cpu_s
        self._now, self._cpu_s = self._clock(), self._gauges.cpu_s()
        if self._limit_c and self._now - self._looked[0] >= LOOK_S:
            self._look(self._limit_c)
        if self.share is None:
            self._credit_s = 0.0
            return
        earned_s = (self._now - then) * self._rate - (self._cpu_s - cpu_s)
        self._credit_s = min(max(self._credit_s + earned_s, -LONGEST_WAIT_S * self._rate), SAVED_S * self._rate)
        self._tell()

    def ready_at(self, turn: int = 0) -> float:
        """Return the monotonic seconds from which on a frame may be taken.

        Args:
            turn: how many cameras are before it. Those are to be paid first, and until then its frames need not be
                made into pixels.
        """
        if self.share is None:
            return 0.0
        needed_s = min(turn * self._cost_s, SAVED_S * self._rate) - self._credit_s
        if needed_s <= 0:
            return 0.0
        return min(self._now + needed_s / self._rate, self._taken + LONGEST_WAIT_S * (turn + 1))

    def note_wait(self) -> None:
        """Note that a camera is due and may not be looked at yet."""
        self._waited = self._now
        if self._now - self._credit_s / self._rate > self._taken + LONGEST_WAIT_S:
            self._complain()

    def count(self) -> None:
        """Note that a frame was taken since the last update, and what it cost."""
        cost_s = self._gauges.cpu_s() - self._cpu_s
        self._cost_s += (cost_s - self._cost_s) / 4
        self._taken = self._clock()

    @property
    def _rate(self) -> float:
        """Processor seconds that are allowed in a second."""
        return (self.share or 1.0) * self._cores

    def _look(self, limit_c: float) -> None:
        """Allow less where it is too warm and grows no cooler, and more where it is cool and grows no warmer."""
        at, cpu_s, before_c = self._looked
        now_c = self._gauges.temperature_c()
        self._looked = self._now, self._cpu_s, now_c
        if now_c is None or before_c is None:
            return
        too_warm = now_c - (limit_c - MARGIN_C)
        if too_warm > 0 and now_c >= before_c:
            used = (self._cpu_s - cpu_s) / (self._now - at) / self._cores
            share = min(1.0 if self.share is None else self.share, used)
            self._cool_share = max(share * (1 - min(STEP * too_warm, LARGEST_STEP)), LEAST_SHARE)
        elif too_warm < -BAND_C and now_c <= before_c and self._cool_share:
            share = self._cool_share * (1 + min(STEP * (-BAND_C - too_warm), LARGEST_STEP))
            self._cool_share = share if share < (self._cpu_share or 1.0) else None

    def _tell(self) -> None:
        limit = self.slowed_by
        if limit and limit != self._told:
            log.info("captions come more slowly now, for [budget] %s", limit)
        elif self._told and not limit:
            log.info("captions come at their full rate again")
        self._told = limit

    def _complain(self) -> None:
        if not self._complained:
            log.warning(
                "reading the cameras alone takes more than [budget] allows, so each caption waits %g s; "
                "choose smaller streams or allow more",
                LONGEST_WAIT_S,
            )
        self._complained = True
