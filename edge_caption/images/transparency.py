"""Photos with transparent pixels, shown as viewers show them.

Editors erase by making pixels transparent and leave the colours below as they were, the hidden people among them.
OpenCV's plain decoding drops the transparency, so that a caption would describe what its owner erased.
"""

from __future__ import annotations

import struct
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_caption.images.decoding import decode
from edge_caption.images.header import PNG, RIFF, find_chunk

GREY, COLOURED = 0, frozenset({0, 2, 3})
"""PNG's colour types without an alpha channel; a tRNS chunk names transparent colours of theirs (PNG, 11.3.2.1)."""

ORIENTATION = 0x0112
"""EXIF's tag; the value says which row and column of the file is the top and the left (EXIF 2.32, 4.6.4)."""

FLIPS = {2: (1,), 3: (0, 1), 4: (0,), 6: (1,), 7: (0, 1), 8: (0,)}
"""Orientation -> axes to turn round, after rows and columns have changed places for 5 to 8."""


def may_be_transparent(data: bytes) -> bool:
    """Tell from the header of a file that `read_size` took; the answer is yes for most WebP files."""
    if data.startswith(PNG):
        return data[25] not in COLOURED or find_chunk(data, b"tRNS") is not None
    return data.startswith(RIFF) and data[12:16] != b"VP8 "


def decode_over_white(data: bytes) -> NDArray[Any] | None:
    """Decode a PNG or WebP file over a white ground, turned upright as its EXIF says.

    Returns:
        RGB, shape (height, width, 3), values 0-255; of no pixels where all are transparent. None: it is damaged.
    """
    decoded = decode(data, cv2.IMREAD_UNCHANGED)
    if decoded is None:
        return None
    colours, alpha = _split(decoded, data)
    if alpha is None:
        rgb = cv2.merge(colours)
    elif not alpha.any():
        rgb = np.empty((0, 0, 3), np.uint8)
    else:
        rgb = cv2.merge([cv2.bitwise_not(cv2.multiply(cv2.bitwise_not(c), alpha, scale=1 / 255)) for c in colours])
    return _upright(rgb, data)


def _split(decoded: NDArray[Any], data: bytes) -> tuple[list[NDArray[Any]], NDArray[Any] | None]:
    """Return red, green, blue and, unless all is opaque, alpha, each of 8 bits."""
    whole = decoded if decoded.dtype == np.uint8 else cv2.convertScaleAbs(decoded, alpha=1 / 257)
    planes = list(cv2.split(whole))
    match len(planes):
        case 1:
            return planes * 3, _opaque_greys(decoded, data)
        case 3:
            return planes[::-1], None
    return planes[2::-1], planes[3]


def _opaque_greys(decoded: NDArray[Any], data: bytes) -> NDArray[Any] | None:
    """Return the alpha of a grey PNG of which one shade is transparent, which OpenCV leaves out."""
    chunk = find_chunk(data, b"tRNS")
    if not chunk or not data.startswith(PNG):
        return None
    (shade,) = struct.unpack_from(">H", chunk)
    bits = data[24]
    stretched = shade if bits >= 8 else shade * 255 // (2**bits - 1)
    return np.where(decoded == stretched, 0, 255).astype(np.uint8)


def _upright(pixels: NDArray[Any], data: bytes) -> NDArray[Any]:
    """Turn them; OpenCV does not where it leaves alpha in."""
    orientation = _orientation(find_chunk(data, b"eXIf" if data.startswith(PNG) else b"EXIF") or b"")
    turned = pixels.swapaxes(0, 1) if 5 <= orientation <= 8 else pixels
    return np.ascontiguousarray(np.flip(turned, FLIPS.get(orientation, ())))


def _orientation(exif: bytes) -> int:
    """Read the orientation, 1 (upright) where none is said (TIFF 6.0, section 2)."""
    exif = exif.removeprefix(b"Exif\0\0")
    order = "<" if exif.startswith(b"II") else ">"
    try:
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, _kind, _number, value = struct.unpack_from(f"{order}HHIH", exif, entry)
            if tag == ORIENTATION:
                return int(value)
    except struct.error:
        pass
    return 1
