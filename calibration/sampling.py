"""Which photos to calibrate on, and a name for exactly these."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from edge_caption.errors import PhotoError
from edge_caption.files import sha256_of
from edge_caption.images.photos import list_photos
from edge_caption.text import read_text


def sample(photos: Sequence[Path], count: int) -> list[Path]:
    """Pick photos by a hash of their names: spread over the whole list, and the same ones every time."""
    ordered = sorted(photos, key=lambda photo: hashlib.sha256(photo.name.encode()).digest())
    return sorted(ordered[:count])


def digest(photos: Sequence[Path]) -> str:
    """Return the sha256 over names and contents, in order: it tells calibration sets apart."""
    total = hashlib.sha256()
    for photo in photos:
        total.update(f"{photo.name} {sha256_of(photo)}\n".encode())
    return total.hexdigest()


def find_photos(source: Path) -> list[Path]:
    """Return a folder's photos, or those that a text file names, one a line, relative to itself.

    Raises:
        PhotoError: there are none, or `source` can't be read.
    """
    if not source.is_file():
        return list_photos(source)
    try:
        lines = read_text(source).split("\n")
    except OSError as error:
        raise PhotoError(f"the list {source} can't be read ({error.strerror}); give a text file or a folder") from error
    except UnicodeError as error:
        raise PhotoError(f"the list {source} {error}") from error
    photos = [source.parent / line.strip() for line in lines if line.strip()]
    if not photos:
        raise PhotoError(f"the list {source} names no photo; choose another")
    return photos
