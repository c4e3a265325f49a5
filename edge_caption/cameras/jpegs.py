"""JPEG pictures out of a stream of bytes, whatever stands between them.

Cameras break the standard for multipart streams (RFC 2046, section 5.1) in every way. They leave out the boundary
before the first part or a part's headers, and send wrong boundaries and lengths. So none of that is needed. A JPEG
itself says where it begins and ends. A length that is right spares the search for the end; after the first wrong one
no length of that stream is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

START = b"\xff\xd8\xff"
START_OF_FRAME, END_OF_IMAGE, SCAN = 0xC0, 0xD9, 0xDA
"""Markers (ITU T.81, table B.1)."""

SCANNED = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""What ends a scan: a marker other than a restart; 0xFF 0x00 is data (ITU T.81, B.1.1.5)."""

END = bytes([0xFF, END_OF_IMAGE])

LENGTH = re.compile(rb"content-length:[ \t]*(\d{1,8})[ \t]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n$", re.IGNORECASE)
"""At the end of a part's headers."""

HEAD_BYTES = 1000
"""Of what lies before a picture, so much is looked at for a length."""

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
        self._head = b""
        """What lay before the picture in hand."""
        self._chunks: list[bytes] = []
        """Of a picture whose length its part's headers tell: what has come."""
        self._missing = 0
        """Bytes of it that have not."""
        self._whole = True
        """Whether all that came of it was kept."""
        self._trusting = True
        """Whether no length was wrong so far."""

    @property
    def missing(self) -> int:
        """Bytes of the picture in hand that have not come, by its part's headers; 0 where they don't tell."""
        return self._missing if self._chunks else 0

    def split(self, data: bytes, *, wanted: bool = True) -> Iterator[bytes]:
        """Yield the pictures that these bytes complete.

        Args:
            data: the next bytes.
            wanted: False: the next one may be given as no bytes, which is quicker where its length is known.
        """
        if self._chunks:
            self._chunks.append(data)
            self._missing -= len(data)
            if self._missing > 0:
                self._forget(wanted)
                return
            if self._ends_as_told():
                yield self._gather(wanted)
        else:
            self._bytes += data
        while self._begin():
            if end := self._find_end():
                with memoryview(self._bytes) as view:
                    picture = bytes(view[:end])
                self._drop(end)
                yield picture
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
            before = at if at >= 0 else max(0, len(self._bytes) - len(START) + 1)
            self._head = (self._head + self._bytes[:before][-HEAD_BYTES:])[-HEAD_BYTES:]
            self._drop(before)
            if at >= 0:
                self._position = len(START) - 1
                self._heed_length()
        return self._position is not None

    def _heed_length(self) -> None:
        """If the headers tell a length, only wait for so many bytes."""
        told, self._head = LENGTH.search(self._head) if self._trusting else None, b""
        length = int(told[1]) if told else 0
        if len(self._bytes) < length <= MAX_BYTES:
            self._chunks, self._missing = [bytes(self._bytes)], length - len(self._bytes)
            self._bytes, self._position, self._whole = bytearray(), None, True

    def _forget(self, wanted: bool) -> None:
        """Keep no more than the end of what came of a picture that nobody wants."""
        if not wanted:
            before, last = self._chunks[-2:]
            self._chunks, self._whole = [before[-2:] + last[-2:]], False

    def _ends_as_told(self) -> bool:
        """Return whether the bytes that came end a picture where its length says; otherwise look at each of them."""
        before, last = self._chunks[-2:]
        end = len(last) + self._missing
        if (before[-2:] + last[max(0, end - 2) : end])[-2:] == END:
            return True
        self._trusting, self._position = False, len(START) - 1 if self._whole else None
        self._bytes, self._chunks = bytearray(b"".join(self._chunks)), []
        return False

    def _gather(self, wanted: bool) -> bytes:
        last = self._chunks.pop()
        end = len(last) + self._missing
        picture = b"".join([*self._chunks, last[:end]]) if wanted and self._whole else b""
        self._bytes, self._chunks, self.left_out = bytearray(last[end:]), [], 0
        return picture

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
