"""Whether a film file holds another film behind its end, as `cat a.mp4 b.mp4` makes it, which no player shows."""

from __future__ import annotations

import struct
from pathlib import Path

BEGINNING, FRAGMENT = b"ftyp", b"moof"
"""Boxes of ISO 14496-12: the first of a file, and what begins each part of a film that is made of parts."""

LARGE = 1
"""A box's length in 32 bits, where it stands in 64 behind the name."""


def holds_another(file: Path) -> bool:
    """Tell for MP4 and QuickTime files, by their boxes; False for all others. FFmpeg reads the others to their end.

    Raises:
        OSError: it can't be read.
    """
    with file.open("rb") as film:
        at, head = 0, film.read(16)
        while len(head) == 16:
            length, kind = struct.unpack(">I4s", head[:8])
            if (kind == BEGINNING) == (at > 0) or kind == FRAGMENT:
                return bool(kind == BEGINNING)
            if length == LARGE:
                (length,) = struct.unpack(">Q", head[8:])
            if length < 8:  # it reaches to the file's end, or is none
                break
            at += length
            film.seek(at)
            head = film.read(16)
    return False
