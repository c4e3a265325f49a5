"""Sinks get every record once it is on disk: the console, history, speech, a page."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable
from typing import Protocol

from edge_caption.model.caption import CaptionedFrame
from edge_caption.records import Record

log = logging.getLogger(__name__)

WAITING_RECORDS = 1000
"""Records that wait for a slow sink before the oldest is dropped."""

WAITING_FRAMES = 2
"""The same where each record holds its frame, which is megabytes."""


class Sink(Protocol):
    """Something that shows or keeps records."""

    name: str
    """What the log calls it."""
    wants_frames: bool
    """Whether a caption's record comes with the frame that it tells of, and with each word's attention."""

    def take(self, record: Record, frame: CaptionedFrame | None) -> None:
        """Show or keep a record; may be slow, and may raise."""
        ...


class Sinks:
    """Hands records to all sinks, each in a thread of its own: one that is slow or raises harms nobody else."""

    def __init__(self, sinks: Iterable[Sink]) -> None:
        """Start the threads."""
        self._lines = [_Line(sink) for sink in sinks]

    def hand(self, record: Record, frame: CaptionedFrame | None = None) -> None:
        """Hand a record to every sink; returns at once."""
        for line in self._lines:
            line.put(record, frame)

    def close(self, timeout_s: float) -> None:
        """Let the sinks take what waits, for so long at most, and end their threads."""
        for line in self._lines:
            line.close()
        for line in self._lines:
            line.join(timeout_s)


class _Line:
    """The records that wait for one sink."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._waiting: deque[tuple[Record, CaptionedFrame | None]] = deque()
        self._limit = WAITING_FRAMES if sink.wants_frames else WAITING_RECORDS
        self._changed = threading.Condition()
        self._closed = self._slow = self._failed = False
        self._thread = threading.Thread(target=self._run, name=f"sink {sink.name}", daemon=True)
        self._thread.start()

    def put(self, record: Record, frame: CaptionedFrame | None) -> None:
        with self._changed:
            if len(self._waiting) == self._limit:
                self._waiting.popleft()
                self._warn_slow()
            self._waiting.append((record, frame if self._sink.wants_frames else None))
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()

    def join(self, timeout_s: float) -> None:
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while (item := self._next()) is not None:
            self._take(*item)

    def _take(self, record: Record, frame: CaptionedFrame | None) -> None:
        try:
            self._sink.take(record, frame)
        except Exception as error:
            self._warn_failed(error)

    def _next(self) -> tuple[Record, CaptionedFrame | None] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            return self._waiting.popleft() if self._waiting else None

    def _warn_slow(self) -> None:
        if not self._slow and not self._sink.wants_frames:
            log.warning("%s is too slow; it misses records, which still reach the broker", self._sink.name)
        self._slow = True

    def _warn_failed(self, error: Exception) -> None:
        """Once, for the next record would say the same."""
        if not self._failed:
            log.warning(
                "%s fails (%s); captions still reach the broker", self._sink.name, str(error) or type(error).__name__
            )
            log.debug("the failure", exc_info=error)
        self._failed = True
