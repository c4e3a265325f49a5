"""Watches a source for a while and tells what it gives."""

from __future__ import annotations

import statistics
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from edge_caption.cameras.camera import Camera, Encoded, Feed
from edge_caption.cameras.newest import Shot
from edge_caption.cameras.reader import Reader
from edge_caption.errors import CameraError

GLANCE_S = 0.1

LAST_READ_S = 2.0
"""How long the end waits for a read; one that hangs is left behind."""


@dataclass
class Examination:
    """What a source gave."""

    opening_s: float
    """Seconds until the first frame."""
    codec: str | None = None
    """What compresses the frames, as far as it is known."""
    sizes: list[tuple[int, int]] = field(default_factory=list)
    """Width and height, each one that occurred, in order."""
    pictures: int = 0
    """Different ones."""
    frames: int = 0
    seconds: float = 0.0
    """Between the first frame and the last."""
    gaps_s: list[float] = field(default_factory=list)
    """Between the frames that were looked at."""
    cpu: float = 0.0
    """Of a processor core, the share that reading took."""
    ended: str | None = None
    """Why there were no more frames."""

    @property
    def fps(self) -> float:
        """Frames a second."""
        return (self.frames - 1) / self.seconds if self.seconds else 0.0

    @property
    def usual_gap_s(self) -> float:
        """The median."""
        return statistics.median(self.gaps_s) if self.gaps_s else 0.0

    @property
    def longest_gap_s(self) -> float:
        """At most the time of the examination."""
        return max(self.gaps_s, default=0.0)


def examine(feed: Feed, opening_s: float, seconds: float) -> Examination:
    """Open a source and read it.

    Args:
        feed: the source.
        opening_s: how long the first frame may take.
        seconds: how long to read from then on.

    Raises:
        CameraError: it does not open, or gives no frame.
    """
    codecs: list[str] = []

    def open_camera() -> Camera:
        camera = feed.open()
        # Now: at the end the reader's thread may have closed it, or be about to.
        codecs.append(camera.codec if isinstance(camera, Encoded) else "")
        return camera

    reader = Reader(replace(feed, open=open_camera))
    try:
        found = _read(reader, opening_s, seconds)
    finally:
        reader.stop()
        # A thread that comes out of OpenCV while Python ends takes the program down (pthread_exit through C++).
        reader.join(LAST_READ_S)
    found.codec = codecs[-1] or None
    found.ended = str(reader.error) if reader.error else None
    return found


def _read(reader: Reader, opening_s: float, seconds: float) -> Examination:
    first = _first(reader, opening_s)
    found = Examination(first.arrived - reader.started)
    began, cpu = time.monotonic(), time.process_time()
    seen: set[int] = set()
    last = first
    for shot in (first, *_until(reader, began + seconds)):
        height, width = shot.frame.pixels.shape[:2]
        if (width, height) not in found.sizes:
            found.sizes.append((width, height))
        seen.add(zlib.crc32(shot.frame.pixels[::8, ::8].tobytes()))
        if shot is not first:
            found.gaps_s.append(shot.arrived - last.arrived)
        last = shot
    ended = reader.newest.wait_ended(0)
    if not ended:
        found.gaps_s.append(time.monotonic() - last.arrived)
    found.pictures, found.frames, found.seconds = len(seen), last.sequence, last.arrived - first.arrived
    found.cpu = (time.process_time() - cpu) / max(time.monotonic() - began, 1e-9)
    return found


def _first(reader: Reader, timeout_s: float) -> Shot:
    until = time.monotonic() + timeout_s
    while time.monotonic() < until and not reader.newest.wait_ended(0):
        if shot := reader.newest.take(GLANCE_S):
            return shot
    raise reader.error or CameraError(f"no frame came in {timeout_s:g} s")


def _until(reader: Reader, until: float) -> Iterator[Shot]:
    while (left := until - time.monotonic()) > 0 and not reader.newest.wait_ended(0):
        if shot := reader.newest.take(min(GLANCE_S, left)):
            yield shot
