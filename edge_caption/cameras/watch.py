"""Keeps a camera going: notices when it fails, hangs or freezes, and opens it again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from edge_caption.backoff import Backoff
from edge_caption.cameras.camera import Feed
from edge_caption.cameras.newest import Shot
from edge_caption.cameras.reader import Reader
from edge_caption.cameras.settings import CameraSettings
from edge_caption.cameras.stillness import Stillness

log = logging.getLogger(__name__)

MAX_HANGING = 3
"""Readers stuck in a driver that are tolerated; each may hold a connection and a frame's memory."""

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 3.0
"""Between two tries. A camera that is back gives frames within 5 s, the time to open it included."""

LONGEST_PATIENCE_S = 60.0
"""The same for a camera that comes and goes, which would fill the log, or is frozen, which is watched in between."""


@dataclass(frozen=True)
class Lost:
    """The camera gives no usable frames any more."""

    reason: str


@dataclass(frozen=True)
class Back:
    """It gives frames again; the first one comes with the next `take`."""


@dataclass(frozen=True)
class Over:
    """The file has ended."""


class Watch:
    """Takes frames from a feed, whatever happens to it. For one thread."""

    def __init__(
        self,
        feed: Feed,
        settings: CameraSettings,
        notify: Callable[[], None] = lambda: None,
        *,
        alone: bool = True,
    ) -> None:
        """Start reading.

        Args:
            feed: where frames come from.
            settings: how long it may be silent.
            notify: called from the reading thread when `take` may have something to return.
            alone: False: others go on without it, so a live source that is not there at the start is tried again.
        """
        self._notify = notify
        self._awaited = feed.patient or (feed.live and not alone)
        self.reconnects = 0
        """How often the feed was opened again."""
        self._feed = feed
        self._settings = settings
        self._quick = Backoff(FIRST_WAIT_S, LONGEST_WAIT_S)
        self._slow = Backoff(FIRST_WAIT_S, LONGEST_PATIENCE_S)
        self._retry_at = self._frozen_until = 0.0
        self._hanging: list[Reader] = []
        """Given up; those not told to stop may still open."""
        self._stillness = Stillness()
        self._held: Shot | None = None
        self._lost = self._started = False
        self._reader: Reader | None = Reader(feed, notify)
        self._begun = self._reader.started

    def take(self, timeout_s: float, not_before: float = 0.0) -> Shot | Lost | Back | Over | None:
        """Return what happens next, or None when nothing does in time.

        Args:
            timeout_s: how long to wait.
            not_before: monotonic seconds before which no frame is wanted, though a fault is.

        Raises:
            CameraError: a source that should be there could not be opened or read.
        """
        if self._held:
            shot, self._held = self._held, None
            return shot
        self._adopt()
        if self._reader is None:
            self._reopen(timeout_s)
            return self._check_begin()
        if found := _wait(self._reader, timeout_s, not_before):
            return self._accept(found, self._reader)
        return self._fault(self._reader)

    def want_from(self, at: float) -> None:
        """Say from when on, in monotonic seconds, the next frame may be taken; those before cost less."""
        if self._reader:
            self._reader.newest.want_from(at)

    @property
    def lost(self) -> bool:
        """Whether the camera gives no usable frames now."""
        return self._lost

    @property
    def stuck(self) -> bool:
        """Whether so many reads hang in the driver that no further one is tried."""
        return self._reader is None and sum(reader.alive for reader in self._hanging) >= MAX_HANGING

    def stop(self, timeout_s: float) -> bool:
        """Stop reading and return whether every reader has ended; one that hangs in a driver has not."""
        readers = [*self._hanging, *([self._reader] if self._reader else [])]
        for reader in readers:
            reader.stop()
        until = time.monotonic() + timeout_s
        return all(reader.join(max(0.0, until - time.monotonic())) for reader in readers)

    def _adopt(self) -> None:
        """Go on with a reader that opened late after all."""
        for late in self._hanging:
            if late.newest.sequence and not late.stopped:
                self._hanging.remove(late)
                self._give_up(self._reader)
                self._reader = late
                return

    def _reopen(self, timeout_s: float) -> None:
        wait = self._retry_at - time.monotonic()
        if wait > 0:
            time.sleep(min(wait, timeout_s))
            return
        self._hanging = [reader for reader in self._hanging if reader.alive]
        if len(self._hanging) < MAX_HANGING:
            self.reconnects += 1
            self._reader = Reader(self._feed, self._notify)
        else:
            self._retry_at = time.monotonic() + FIRST_WAIT_S

    def _accept(self, shot: Shot, reader: Reader) -> Shot | Back | Lost | None:
        for late in self._hanging:
            late.stop()
        limit = self._settings.same_frame_s
        if self._feed.live and limit and self._stillness.seconds(shot) > limit:
            return self._freeze(reader, f"the same frame for {limit:g} s")
        self._started = True
        if shot.arrived - reader.started > self._settings.no_frame_s:
            self._quick.reset()
            self._slow.reset()
        if not self._lost:
            return shot
        self._lost, self._held = False, shot
        return Back()

    def _freeze(self, reader: Reader, reason: str) -> Lost | None:
        """Open it again at growing intervals, and look for another picture in between."""
        now = time.monotonic()
        if self._lost and now < self._frozen_until:
            return None
        self._frozen_until = now + self._slow.next_s()
        return self._lose(reader, reason, self._quick)

    def _fault(self, reader: Reader) -> Lost | Over | None:
        """Find out why there is no frame."""
        if not reader.newest.wait_ended(0):
            return self._check_silence(reader)
        if not self._feed.live:
            if reader.error:
                raise reader.error
            return Over()
        error = reader.error
        if error and not self._started and not self._awaited:
            raise error
        lasted = reader.newest.sequence and reader.newest.arrived - reader.started > self._settings.no_frame_s
        backoff = self._slow if reader.newest.sequence and not lasted else self._quick
        return self._lose(reader, str(error or f"{self._feed.name} has ended"), backoff)

    def _check_silence(self, reader: Reader) -> Lost | None:
        if not self._feed.live:
            return None
        now, opening = time.monotonic(), reader.newest.sequence == 0
        allowed = self._settings.no_frame_s + (self._settings.open_timeout_s if opening else 0)
        # Before the first frame there may have been other readers.
        since = self._begun if opening and not self._lost else reader.newest.arrived
        if now - since > allowed:
            return self._lose(reader, f"no frame for {allowed:g} s", self._quick)
        if opening and self._feed.patient and now - reader.started > self._overlap_s:
            # The camera may be back, and this opening not know it: the next one begins beside it.
            self._hanging.append(reader)
            self._reader = None
        return None

    @property
    def _overlap_s(self) -> float:
        """So that a hanging opening ends, at the latest, as one more than MAX_HANGING is due."""
        return (self._settings.open_timeout_s + 1) / MAX_HANGING

    def _check_begin(self) -> Lost | None:
        """Find out whether all the readers that were to bring the first frame hang."""
        allowed = self._settings.no_frame_s + self._settings.open_timeout_s
        if self._lost or time.monotonic() - self._begun <= allowed:
            return None
        self._lost = True
        return Lost(f"no frame for {allowed:g} s")

    def _lose(self, reader: Reader, reason: str, backoff: Backoff) -> Lost | None:
        """Give the reader up and plan the next; tell only once until the camera is back."""
        self._give_up(reader)
        self._reader = None
        wait = backoff.next_s()
        self._retry_at = time.monotonic() + wait
        log.debug("%s: %s; next try in %.1f s", self._feed.name, reason, wait)
        told, self._lost = self._lost, True
        return None if told else Lost(reason)

    def _give_up(self, reader: Reader | None) -> None:
        if reader:
            reader.stop()
            self._hanging.append(reader)


def _wait(reader: Reader, timeout_s: float, not_before: float) -> Shot | None:
    reader.newest.want_from(not_before)
    early = not_before - time.monotonic()
    if early > 0:
        reader.newest.wait_ended(min(early, timeout_s))
        return None
    return reader.newest.take(timeout_s)
