"""Size and wholeness of a JPEG, PNG or WebP file, read from its bytes without decoding it.

OpenCV decodes the half of a photo that a broken copy left and fills the rest with grey; a caption of that would be made
up. And it allocates whatever size a header claims. Both are found here first.

Not every damage can be. A PNG has checksums. A JPEG has none: a file that ends early, a marker where none belongs and a
hole of zeros are found, but for zeros in a progressive or optimised file, where they can mean a plain area. A lossy
WebP may hold zeros, too, and nothing but its end is looked at.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif"})
"""Of the files that are taken for photos. The last three are read where an extra is installed, and named where not."""

JPEG, PNG, RIFF, WEBP = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF", b"WEBP"

CODES, SCAN, END_OF_IMAGE = 0xC4, 0xDA, 0xD9
"""JPEG markers (ITU T.81, table B.1)."""

SIZES = frozenset({*range(0xC0, 0xD0)} - {CODES, 0xC8, 0xCC})
"""JPEG markers of a frame header, which holds the size."""

SCANNED = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""What ends a scan: a marker other than a restart; 0xFF 0x00 is data (ITU T.81, B.1.1.5)."""

HOLE = bytes(64)
"""Longer than a block of nothing but coefficients; 7,000 real photos have 4 zeros in a row at most."""

LOWER_CASE = 0x20
"""Set in the first letter of a PNG chunk that the pixels don't depend on."""


def read_size(data: bytes) -> tuple[int, int]:
    """Return width and height.

    Raises:
        ValueError: the bytes are no JPEG, PNG or WebP file, only the beginning of one, or visibly damaged.
    """
    try:
        if data.startswith(JPEG):
            return _jpeg(data)
        if data.startswith(PNG):
            return _png(data)
        if data.startswith(RIFF) and data[8:12] == WEBP:
            return _webp(data)
    except (struct.error, IndexError):
        raise ValueError("cut short") from None
    raise ValueError("not a JPEG, PNG or WebP image")


def _jpeg(data: bytes) -> tuple[int, int]:
    """Walk segments and scans to the end; a thumbnail's own end lies inside a segment."""
    position, size = 2, None
    zeros_mean: dict[int, int] = {}
    while True:
        if data[position] != 0xFF:
            raise ValueError("damaged")
        while data[position + 1] == 0xFF:  # padding
            position += 1
        marker = data[position + 1]
        if marker == END_OF_IMAGE:
            break
        (length,) = struct.unpack_from(">H", data, position + 2)
        segment = data[position + 4 : position + 2 + length]
        position += 2 + length
        if marker in SIZES:
            height, width = struct.unpack_from(">HH", segment, 1)
            size = (width, height)
        elif marker == CODES:
            zeros_mean |= _zeros_mean(segment)
        elif marker == SCAN:
            position = _end_of_scan(data, position, zeros_fit=_zeros_fit(segment, zeros_mean))
    if size is None:
        raise ValueError("damaged")
    return size


def _zeros_mean(segment: bytes) -> dict[int, int]:
    """Return the first symbol of each Huffman table, whose code is all zeros (ITU T.81, B.2.4.2 and C.2)."""
    symbols = {}
    while len(segment) > 16:
        if count := sum(segment[1:17]):
            symbols[segment[0]] = segment[17]
        segment = segment[17 + count :]
    return symbols


def _zeros_fit(header: bytes, zeros_mean: dict[int, int]) -> bool:
    """Whether a scan may hold zeros in a row, by its header (ITU T.81, B.2.3).

    They can mean "nothing more in this block", as in a blue sky, or refine nothing. Elsewhere they would be one
    coefficient after the other, which no picture has for long.
    """
    count = header[0]
    tables = header[2 : 2 + 2 * count : 2]
    last, approximation = header[2 + 2 * count], header[3 + 2 * count]
    coefficients = any(zeros_mean.get(0x10 | table & 15, 0) & 15 for table in tables)
    return not coefficients or last == 0 or approximation > 15


def _end_of_scan(data: bytes, start: int, *, zeros_fit: bool) -> int:
    end = SCANNED.search(data, start)
    if not end:
        raise ValueError("cut short")
    if not zeros_fit and data.find(HOLE, start, end.start()) >= 0:
        raise ValueError("damaged")
    return end.start()


def find_chunk(data: bytes, name: bytes) -> bytes | None:
    """Return what the first chunk of a name holds, in a PNG or WebP file that `read_size` took."""
    chunks = _png_chunks(data) if data.startswith(PNG) else _webp_chunks(data)
    return next((data[start:end] for found, start, end in chunks if found == name), None)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name, start and end of each chunk's content."""
    start, name = len(PNG) + 8, b""
    while name != b"IEND":
        length, name = struct.unpack_from(">I4s", data, start - 8)
        yield name, start, start + length
        start += length + 12  # a checksum, then length and name of the next


def _webp_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    start = 20
    while start <= len(data):
        name, length = struct.unpack_from("<4sI", data, start - 8)
        yield name, start, start + length
        start += length + length % 2 + 8


def _png(data: bytes) -> tuple[int, int]:
    """Walk the chunks to the end and check the sums of those that matter (PNG, sections 5.3 and 5.4)."""
    for name, start, end in _png_chunks(data):
        (checksum,) = struct.unpack_from(">I", data, end)
        if not name[0] & LOWER_CASE and zlib.crc32(memoryview(data)[start - len(name) : end]) != checksum:
            raise ValueError("damaged")
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _webp(data: bytes) -> tuple[int, int]:
    """Read the three kinds of WebP: RFC 9649, sections 2.5 to 2.7."""
    if len(data) < struct.unpack_from("<I", data, 4)[0] + 8:
        raise ValueError("cut short")
    match data[12:16]:
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L":
            (bits,) = struct.unpack_from("<I", data, 21)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    raise ValueError("damaged")
