"""Photo files -> pixels."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_caption.errors import PhotoError
from edge_caption.images.decoding import decode
from edge_caption.images.frame import Pixels
from edge_caption.images.header import SUFFIXES, read_size
from edge_caption.images.heif import decode_heif, is_heif
from edge_caption.images.transparency import decode_over_white, may_be_transparent

MAX_PIXELS = 100_000_000
"""Larger photos are refused before they are decoded: 100 megapixels take 300 MB. Half as many where some may be
transparent, which takes more."""

MAX_BYTES = 200_000_000

RGB = cv2.IMREAD_COLOR_RGB
"""Red first, as JPEG's decoder writes it as well: to change the order afterwards takes a copy and its time."""

REDUCED = {
    2: RGB | cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: RGB | cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: RGB | cv2.IMREAD_REDUCED_GRAYSCALE_8,
}
"""JPEG decodes to a half, a quarter or an eighth in a fraction of the time. OpenCV's flags that are called grey tell
the size alone; those that are called coloured mean blue first."""

ENOUGH = 640
"""Pixels of the shorter side that a reduced photo keeps at least: twice what encoders take."""


def read_photo(file: Path) -> Pixels:
    """Read a photo.

    Raises:
        PhotoError: it is missing, no regular file, too large or not a whole JPEG, PNG or WebP image.
    """
    return decode_photo(read_file(file), str(file))


def read_file(file: Path) -> bytes:
    """Read a photo's bytes as they are.

    Raises:
        PhotoError: it is missing, no regular file or too large.
    """
    try:
        status = file.stat()
        # A pipe would keep the caller waiting, and /dev/zero never ends.
        if not stat.S_ISREG(status.st_mode):
            raise PhotoError(f"{file} is no file; give a JPEG, PNG or WebP file")
        if status.st_size > MAX_BYTES:
            raise PhotoError(f"{file} is larger than {MAX_BYTES // 10**6} MB; make it smaller")
        return file.read_bytes()
    except OSError as error:
        raise PhotoError(f"{file} can't be read ({error.strerror}); check the path") from error
    except ValueError as error:
        raise PhotoError(f"{str(file)!r} is no path ({error}); check it") from error


def decode_photo(data: bytes, name: str) -> Pixels:
    """Decode JPEG, PNG or WebP, turned upright as its EXIF says, perhaps smaller but never below ENOUGH.

    Args:
        data: the file's bytes.
        name: what to call it in messages.

    Raises:
        PhotoError: the bytes are empty, too many pixels or no whole image. Some damage can't be found: header.py.
    """
    silence_opencv()
    if not data:
        raise PhotoError(f"{name} is empty; copy it again")
    if is_heif(data):
        return decode_heif(data, name, MAX_PIXELS // 2)
    try:
        pixels = _decode(data, name)
    except (ValueError, cv2.error) as error:
        reason = error if isinstance(error, ValueError) else "damaged"
        raise PhotoError(f"{name} can't be decoded ({reason}); give a whole JPEG, PNG or WebP image") from error
    if pixels is None:
        raise PhotoError(f"{name} can't be decoded (damaged); give a whole JPEG, PNG or WebP image")
    return np.asarray(pixels, np.uint8)


def _decode(data: bytes, name: str) -> NDArray[Any] | None:
    width, height = read_size(data)
    transparent = may_be_transparent(data)
    most = MAX_PIXELS // 2 if transparent else MAX_PIXELS
    if width * height > most:
        raise PhotoError(f"{name} has {width}x{height} pixels and {most} are the most; make it smaller")
    if not transparent:
        return decode(data, _reading(min(width, height)))
    if (pixels := decode_over_white(data)) is not None and not pixels.size:
        raise PhotoError(f"{name} shows nothing, for every pixel is transparent; give another photo")
    return pixels


def silence_opencv() -> None:
    """Keep OpenCV's log off stderr: a photo's faults are in our errors, and of cameras it repeats URLs' passwords.

    libjpeg and libpng write there by themselves; nothing but a look at the bytes beforehand keeps them from it.
    """
    getattr(cv2.utils, "logging", cv2).setLogLevel(0)  # OpenCV 4.13 moved it to `utils.logging`


def keep_opencv_in_one_thread() -> None:
    """Let OpenCV work in the thread that calls it, in a process that captions one picture after the other.

    Its own threads save no time on pictures of cameras, and go on turning for 2 ms after each.
    """
    cv2.setNumThreads(1)


def _reading(shorter_side: int) -> int:
    factors = [factor for factor in REDUCED if shorter_side >= factor * ENOUGH]
    return REDUCED[max(factors)] if factors else RGB


def list_photos(folder: Path) -> list[Path]:
    """Return the photos right in a folder, by name.

    Raises:
        PhotoError: there are none, or the folder can't be read.
    """
    try:
        photos = sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)
    except OSError as error:
        raise PhotoError(f"the folder {folder} can't be read ({error.strerror}); check its rights") from error
    if not photos:
        raise PhotoError(f"the folder {folder} holds no photo ({', '.join(sorted(SUFFIXES))}); choose another")
    return photos
