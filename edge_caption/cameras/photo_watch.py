"""A folder or pattern, watched for photos that come."""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from edge_caption.cameras.photo_pattern import match_photos
from edge_caption.cameras.source import Source
from edge_caption.errors import CameraError, PhotoError
from edge_caption.images.frame import Frame
from edge_caption.images.header import SUFFIXES
from edge_caption.images.photos import read_photo

log = logging.getLogger(__name__)

STEP_S = 0.25
"""Between two looks, at least: a file that has stayed the same from one to the next is taken for whole."""

REST = 10
"""A look at a huge folder may take this part of the time at most."""

KEPT = 10_000
"""So many photos that are gone are remembered beside twice as many as are there: a disk may be away for a while."""

Stamp = tuple[int, int]
"""When a file's status changed (nanoseconds; renaming it is a change, and nobody can set it back), and its size."""


class PhotoWatch:
    """Photos that come after the start, the oldest first. Those that are there already are left alone."""

    def __init__(self, source: Source) -> None:
        """Remember what is there.

        Raises:
            CameraError: the folder is not there.
        """
        self._path = Path(source.address).expanduser()
        self._check()
        self._growing: dict[Path, Stamp] = {}
        self._old = {_mark(photo, stamp) for photo, stamp in self._stamps().items()}
        """Marks of photos that were there or were given; not the newest of their times, as clocks are set back."""
        self._settled: deque[tuple[Path, Stamp]] = deque()
        self._next_look = time.monotonic()

    def read(self) -> Frame:
        """Wait for the next photo; one that cannot be read is reported and left out."""
        while True:
            while self._settled:
                photo, stamp = self._settled.popleft()
                if _stamp(photo) != stamp:  # the next look finds it as it is then
                    continue
                try:
                    return Frame(read_photo(photo), time.time())
                except PhotoError as error:
                    log.warning("%s", error)
            self._look()

    def close(self) -> None:
        """Nothing is open between two looks."""

    def _check(self) -> None:
        folder = self._path if self._path.is_dir() else self._path.parent
        if not folder.is_dir():
            raise CameraError(f"there is no folder {folder} to watch; make it first")

    def _look(self) -> None:
        time.sleep(max(0.0, self._next_look - time.monotonic()))
        began = time.monotonic()
        there = self._stamps()
        stamps = {photo: stamp for photo, stamp in there.items() if _mark(photo, stamp) not in self._old}
        # An empty one is still to be written.
        settled = [photo for photo, stamp in stamps.items() if stamp == self._growing.get(photo) and stamp[1]]
        self._settled += [(photo, stamps[photo]) for photo in sorted(settled, key=lambda photo: (stamps[photo], photo))]
        self._old |= {_mark(photo, stamps.pop(photo)) for photo in settled}
        self._growing = stamps
        # An empty folder may be one whose disk is away.
        if there and len(self._old) > KEPT + 2 * len(there):
            self._old &= {_mark(photo, stamp) for photo, stamp in there.items()}
        ended = time.monotonic()
        self._next_look = ended + max(STEP_S, REST * (ended - began))

    def _stamps(self) -> dict[Path, Stamp]:
        """Return the photos that are there; none while the folder can't be read."""
        return {photo: stamp for photo in self._photos() if (stamp := _stamp(photo))}

    def _photos(self) -> Iterable[Path]:
        try:
            if not self._path.is_dir():
                return match_photos(self._path)
            with os.scandir(self._path) as entries:
                return [Path(entry.path) for entry in entries if entry.name.lower().endswith(tuple(SUFFIXES))]
        except OSError:
            return []


def _stamp(photo: Path) -> Stamp | None:
    """Return a file's stamp; None if it is gone."""
    try:
        status = photo.stat()
    except OSError:
        return None
    return status.st_ctime_ns, status.st_size


def _mark(photo: Path, stamp: Stamp) -> int:
    """Return what tells one state of a photo from another, in little memory."""
    return hash((str(photo), stamp))
