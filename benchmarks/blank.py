"""How many real photos pass for pictures that show nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edge_caption.images.blank import LEAST_DETAIL, cells_of, detail, shows_nothing
from edge_caption.images.photos import read_photo


def measure(photos: Sequence[Path]) -> dict[str, object]:
    """Look at each photo."""
    held: dict[str, str] = {}
    details: list[float] = []
    for photo in photos:
        pixels = read_photo(photo)
        cells = cells_of(pixels)
        details.append(detail(cells))
        if reason := shows_nothing(pixels):
            held[photo.name] = reason
    return {
        "photos": len(photos),
        "held": len(held),
        "held_per_1000": round(1000 * len(held) / len(photos), 2),
        "least_detail": [round(value, 2) for value in sorted(details)[:5]],
        "limit": LEAST_DETAIL,
        "reasons": held,
    }
