"""Captions kept in a file, the oldest forgotten by age and by size."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import cv2

from edge_caption.errors import HistoryError
from edge_caption.history.settings import HistorySettings
from edge_caption.history.tables import DamagedError, open_to_write, sentences
from edge_caption.history.words import indexed
from edge_caption.images.frame import Pixels
from edge_caption.model.caption import CaptionedFrame
from edge_caption.records import CaptionRecord, Record

log = logging.getLogger(__name__)

TIDY_EVERY = 256
"""Captions between two looks at the file's age and size and at the disk's room."""

JUMP_S = 86400.0
"""A clock that goes forward so much more than time does was set."""

BELIEVED_AFTER_S = 3600.0

INSERT = """
INSERT INTO captions (id, camera, captured_at, caption, language, confidence) VALUES (?, ?, ?, ?, ?, ?)
"""

FORGET_AT_ONCE = 2048
"""Captions that one transaction deletes: a long one would keep readers of the file waiting."""


class History:
    """A sink that keeps captions. For one thread."""

    name = "the history"

    def __init__(self, path: Path, settings: HistorySettings) -> None:
        """Open the file; a broken one is moved aside first.

        Raises:
            HistoryError: the disk refuses, or the file is of another version.
        """
        self.path = path
        self.wants_frames = settings.thumbnails
        self._settings = settings
        self._until_tidy = 0
        self._clock = _Clock()
        try:
            self._database = open_to_write(path)
        except DamagedError as error:
            self._database = self._begin_anew(error)
        with suppress(HistoryError), sentences(path):  # damage that shows here is mended by the next caption
            (newest,) = self._database.execute("SELECT max(captured_at) FROM captions").fetchone()
            self._clock.begin(newest)

    def take(self, record: Record, frame: CaptionedFrame | None) -> None:
        """Keep a caption.

        Raises:
            HistoryError: the disk refuses or is nearly full.
        """
        if not isinstance(record, CaptionRecord):
            return
        jpeg = _thumbnail(frame.pixels, self._settings.thumbnail_pixels) if frame and self.wants_frames else None
        try:
            self._tidy_now_and_then()
            self._add(record, jpeg)
        except DamagedError as error:
            self._database.close()
            self._database = self._begin_anew(error)
            self._add(record, jpeg)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def tidy(self) -> None:
        """Forget what is too old or too much.

        Raises:
            HistoryError: the disk refuses, or has less room than is to stay free.
        """
        if (now := self._clock.now()) is not None:
            self._forget_older(now - self._settings.max_days * 86400, now + JUMP_S)
        while self._bytes() > self._settings.max_bytes and self._forget("1"):
            pass
        with sentences(self.path):
            self._database.executescript("PRAGMA incremental_vacuum")
            free = shutil.disk_usage(self.path.parent).free
        if free < self._settings.min_free_bytes:
            room = f"{self._settings.min_free_bytes // 10**6} MB"
            raise HistoryError(f"the disk of {self.path.parent} has less than {room} left; free some space")

    def _forget_older(self, oldest: float, latest: float) -> None:
        """Forget captions of before a time, and those that came before them with a time that is yet to come."""
        with sentences(self.path):
            query = "SELECT max(number) FROM captions WHERE captured_at < ?"
            (number,) = self._database.execute(query, (oldest,)).fetchone()
        while number and self._forget("number < ? AND captured_at > ?", number, latest):
            pass
        while self._forget("captured_at < ?", oldest):
            pass

    def _tidy_now_and_then(self) -> None:
        if self._until_tidy == 0:
            self.tidy()
            self._until_tidy = TIDY_EVERY
        self._until_tidy -= 1

    def _add(self, record: CaptionRecord, jpeg: bytes | None) -> None:
        with self._transaction() as database:
            number = database.execute(
                INSERT,
                (record.id, record.camera, record.captured_at, record.caption, record.language, record.confidence),
            ).lastrowid
            database.execute(
                "INSERT INTO words (rowid, caption, camera) VALUES (?, ?, ?)",
                (number, indexed(record.caption), record.camera),
            )
            if jpeg:
                database.execute("INSERT INTO thumbnails VALUES (?, ?)", (number, jpeg))

    def _forget(self, condition: str, *values: float) -> int:
        """Delete the oldest captions of those that meet a condition and return how many there were."""
        query = f"SELECT number, caption, camera FROM captions WHERE {condition} ORDER BY number LIMIT {FORGET_AT_ONCE}"
        with self._transaction() as database:
            rows = database.execute(query, values).fetchall()
            # The index holds no text: to forget a caption it must be told what it was.
            database.executemany(
                "INSERT INTO words (words, rowid, caption, camera) VALUES ('delete', ?, ?, ?)",
                [(number, indexed(caption), camera) for number, caption, camera in rows],
            )
            for table in ("captions", "thumbnails"):
                database.executemany(f"DELETE FROM {table} WHERE number = ?", [(number,) for number, *_ in rows])
        return len(rows)

    def _bytes(self) -> int:
        with sentences(self.path):
            pages, free, size = (
                self._database.execute(f"PRAGMA {what}").fetchone()[0]
                for what in ("page_count", "freelist_count", "page_size")
            )
        return int((pages - free) * size)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with sentences(self.path):
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                # After some errors SQLite has rolled back by itself.
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    def _begin_anew(self, error: DamagedError) -> sqlite3.Connection:
        """Move the broken file aside, with what SQLite keeps beside it, and make another.

        Raises:
            HistoryError: the disk refuses.
        """
        aside = self.path.with_name(f"history-damaged-{time.strftime('%Y-%m-%dT%H-%M-%S')}.db")
        with sentences(self.path):
            for ending in ("", "-wal", "-shm"):
                part = self.path.with_name(self.path.name + ending)
                if part.exists():
                    part.rename(aside.with_name(aside.name + ending))
        log.warning("the history was damaged (%s); it is kept as %s, and a new one begins", error.__cause__, aside)
        return open_to_write(self.path)


class _Clock:
    """The computer's, which is not believed for a while after it was set far forward.

    One that is wrong for a minute would cost all that is kept.
    """

    def __init__(self) -> None:
        self.begin(None)

    def begin(self, seen: float | None) -> None:
        """Go on from a time that was seen before, or from now."""
        self._seen, self._at = seen or time.time(), time.monotonic()
        self._believed_from = self._at

    def now(self) -> float | None:
        """Return the time; None while it is not believed."""
        wall, at = time.time(), time.monotonic()
        if wall - self._seen > at - self._at + JUMP_S:
            self._believed_from = at + BELIEVED_AFTER_S
        self._seen, self._at = wall, at
        return wall if at >= self._believed_from else None


def _thumbnail(pixels: Pixels, longer_side: int) -> bytes:
    """Return a JPEG no larger than that."""
    height, width = pixels.shape[:2]
    scale = min(1.0, longer_side / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()
