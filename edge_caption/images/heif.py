"""HEIC and AVIF, which phones write: read by Pillow and pillow-heif, an extra of this package."""

from __future__ import annotations

import io

import numpy as np

from edge_caption.errors import PhotoError
from edge_caption.images.frame import Pixels

BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"})
"""Of ISO 14496-12's first box: HEIF (ISO 23008-12) and AVIF."""


def is_heif(data: bytes) -> bool:
    """Tell from the beginning of a file."""
    return data[4:8] == b"ftyp" and data[8:12] in BRANDS


def decode_heif(data: bytes, name: str, max_pixels: int) -> Pixels:
    """Decode over a white ground, turned upright.

    Raises:
        PhotoError: the extra is not installed, there are too many pixels, or it is no whole image.
    """
    try:
        import pillow_heif
        from PIL import Image, ImageOps
    except ImportError:
        raise PhotoError(
            f"{name} is a HEIC or AVIF photo; to read it, pip install 'edge-caption[heif]', or give a JPEG"
        ) from None
    pillow_heif.register_heif_opener()
    try:
        with Image.open(io.BytesIO(data), formats=("HEIF", "AVIF")) as image:
            if image.width * image.height > max_pixels:
                raise PhotoError(
                    f"{name} has {image.width}x{image.height} pixels and {max_pixels} are the most; make it smaller"
                )
            upright = ImageOps.exif_transpose(image).convert("RGBA")
    except (OSError, ValueError, SyntaxError, EOFError, RuntimeError, Image.DecompressionBombError):
        raise PhotoError(f"{name} can't be decoded (damaged); give a whole photo") from None
    if not np.asarray(upright)[..., 3].any():
        raise PhotoError(f"{name} shows nothing, for every pixel is transparent; give another photo")
    white = Image.new("RGBA", upright.size, "white")
    return np.asarray(Image.alpha_composite(white, upright).convert("RGB"), np.uint8)
