"""Size and wholeness of a JPEG, PNG or WebP file, read from its bytes without decoding it.

OpenCV decodes the half of a photo that a broken copy left and fills the rest with grey; a caption of that would be made
up. And it allocates whatever size a header claims. Both are found here first.
"""

from __future__ import annotations

import struct

JPEG, PNG, RIFF = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF"

SCAN, END_OF_IMAGE = 0xDA, b"\xff\xd9"

SIZES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""JPEG markers of a frame header, which holds the size (ITU T.81, table B.1)."""


def read_size(data: bytes) -> tuple[int, int]:
    """Return width and height.

    Raises:
        ValueError: the bytes are no JPEG, PNG or WebP file, or only the beginning of one.
    """
    try:
        if data.startswith(JPEG):
            return _jpeg(data)
        if data.startswith(PNG):
            return _png(data)
        if data.startswith(RIFF) and data[8:12] == b"WEBP":
            return _webp(data)
    except (struct.error, IndexError):
        raise ValueError("cut short") from None
    raise ValueError("not a JPEG, PNG or WebP image")


def _jpeg(data: bytes) -> tuple[int, int]:
    """Walk the segments up to the first scan, then look for the end: a thumbnail's own end lies before."""
    position, size = 2, None
    while True:
        while data[position + 1] == 0xFF:  # padding
            position += 1
        marker, length = data[position + 1], struct.unpack_from(">H", data, position + 2)[0]
        if marker in SIZES:
            height, width = struct.unpack_from(">HH", data, position + 5)
            size = (width, height)
        if marker == SCAN:
            break
        if data[position] != 0xFF:
            raise ValueError("damaged")
        position += 2 + length
    if size is None:
        raise ValueError("damaged")
    if data.find(END_OF_IMAGE, position) < 0:
        raise ValueError("cut short")
    return size


def _png(data: bytes) -> tuple[int, int]:
    if b"IEND" not in data[-64:]:
        raise ValueError("cut short")
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
