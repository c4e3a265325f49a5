"""The newest frame, and how many came before it that nobody took."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from edge_caption.images.frame import Frame


@dataclass(frozen=True)
class Shot:
    """A frame on its way to the captioner."""

    frame: Frame

    sequence: int
    """Counts what the source gave, from 1."""

    arrived: float
    """Monotonic seconds."""

    dropped: int
    """Frames that came since the last one taken, and were replaced by a newer one."""


class Newest:
    """One place: a new frame replaces the one in it, so a slow reader never falls behind."""

    def __init__(self, notify: Callable[[], None] = lambda: None) -> None:
        """Begin empty; `notify` is called when a frame that is wanted has come, or none will come any more."""
        self._notify = notify
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self.sequence = 0
        """Frames that came so far."""
        self._taken = 0
        self._wanted = False
        self._wanted_from = math.inf
        self._closed = False
        self.arrived = time.monotonic()
        """Monotonic seconds when the newest frame came, at first when the place was made."""

    def put(self, frame: Frame) -> None:
        """Put a frame in."""
        with self._changed:
            self._frame = frame
            self.sequence += 1
            self.arrived = time.monotonic()
            self._changed.notify_all()
            wanted = self._wanted
        if wanted:
            self._notify()

    def pass_by(self) -> None:
        """Count a frame that came and was left, as nobody wants it; one that is here is old now."""
        with self._changed:
            self._frame = None
            self.sequence += 1
            self.arrived = time.monotonic()

    def want_from(self, at: float) -> None:
        """Say from when on, in monotonic seconds, somebody may take a frame, until one is taken."""
        self._wanted_from = at

    def wanted(self) -> bool:
        """Whether the next frame may be taken."""
        return self._wanted or time.monotonic() >= self._wanted_from

    def take(self, timeout_s: float) -> Shot | None:
        """Take the newest frame out, or None when none came in time or none will come."""
        with self._changed:
            self._wanted = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._frame is not None or self._closed, timeout_s)
            if self._frame is None:
                return None
            self._wanted = False
            self._wanted_from = math.inf
            shot = Shot(self._frame, self.sequence, self.arrived, self.sequence - self._taken - 1)
            self._taken = self.sequence
            self._frame = None
            return shot

    def wait_wanted(self, timeout_s: float) -> bool:
        """Wait until somebody takes and nothing is there; a file is read no faster than that."""
        with self._changed:
            return self._changed.wait_for(lambda: self._wanted and self._frame is None, timeout_s)

    def wait_ended(self, timeout_s: float) -> bool:
        """Wait until nothing is here and no more will come."""
        with self._changed:
            return self._changed.wait_for(lambda: self._closed and self._frame is None, timeout_s)

    def close(self) -> None:
        """No more frames will come; the one that is here can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._notify()
