"""Which photos to calibrate on, and a name for exactly these."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path


def sample(photos: Sequence[Path], count: int) -> list[Path]:
    """Pick photos by a hash of their names: spread over the whole list, and the same ones every time."""
    ordered = sorted(photos, key=lambda photo: hashlib.sha256(photo.name.encode()).digest())
    return sorted(ordered[:count])


def digest(photos: Sequence[Path]) -> str:
    """Return the sha256 over names and contents, in order: it tells calibration sets apart."""
    total = hashlib.sha256()
    for photo in photos:
        total.update(f"{photo.name} {hashlib.sha256(photo.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()
