"""JPEG pictures out of a stream of bytes, whatever stands between them.

Cameras break the standard for multipart streams (RFC 2046, section 5.1) in every way. They leave out the boundary
before the first part or a part's headers, and send wrong boundaries and lengths. So none of that is looked at. A JPEG
itself says where it begins and ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

START = b"\xff\xd8\xff"
START_OF_FRAME, END_OF_IMAGE, SCAN = 0xC0, 0xD9, 0xDA
"""Markers (ITU T.81, table B.1)."""

SCANNED = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""What ends a scan: a marker other than a restart; 0xFF 0x00 is data (ITU T.81, B.1.1.5)."""

MAX_BYTES = 32_000_000
"""Of a picture: more is no picture of a camera, but one that never ends."""


class JpegSplitter:
    """Takes bytes as they come and gives whole pictures; what lies between them is left out, as are broken ones."""

    def __init__(self) -> None:
        """Begin before the first picture."""
        self.left_out = 0
        """Bytes since the last picture that belong to none."""
        self._bytes = bytearray()
        self._position: int | None = None
        """Where the picture in hand is looked at next; None: none has begun."""
        self._scanning = False
        """Whether a scan's data lie there, not a marker."""

    def split(self, data: bytes) -> Iterator[bytes]:
        """Yield the pictures that these bytes complete."""
        self._bytes += data
        while self._begin():
            if end := self._find_end():
                yield bytes(self._bytes[:end])
                self._drop(end)
                self.left_out = 0
            elif len(self._bytes) > MAX_BYTES:
                self._drop(len(START))
            elif self._position is not None:
                return

    def _begin(self) -> bool:
        """Go to the next picture's first byte, if it has come."""
        if self._position is None:
            at = self._bytes.find(START)
            # The start itself may have come by half.
            self._drop(at if at >= 0 else max(0, len(self._bytes) - len(START) + 1))
            self._position = None if at < 0 else len(START) - 1
        return self._position is not None

    def _drop(self, count: int) -> None:
        del self._bytes[:count]
        self.left_out += count
        self._position, self._scanning = None, False

    def _find_end(self) -> int | None:
        """Return the length of the picture in hand; None if its end has not come, or never will and it was dropped."""
        while (position := self._position) is not None and position + 1 < len(self._bytes):
            if self._scanning:
                self._pass_scan(position)
                continue
            first, marker = self._bytes[position : position + 2]
            if marker == END_OF_IMAGE:
                return position + 2
            if first != 0xFF or marker < START_OF_FRAME:
                self._drop(len(START))
            elif marker == START[1]:
                self._drop(position)
            elif marker == 0xFF:  # padding
                self._position = position + 1
            elif position + 4 > len(self._bytes):
                break
            else:
                self._scanning = marker == SCAN
                self._position = position + 2 + int.from_bytes(self._bytes[position + 2 : position + 4], "big")
        return None

    def _pass_scan(self, position: int) -> None:
        found = SCANNED.search(self._bytes, position)
        self._scanning = not found
        self._position = found.start() if found else len(self._bytes) - 1
