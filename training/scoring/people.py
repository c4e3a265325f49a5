"""Whether a captioner says that people are there where they are, and only there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from edge_caption.model.objects import objects

PERSON = "person"
"""What lists/objects.txt calls people of every kind."""

NORMAL_95 = 1.959964
"""Standard deviations of the normal distribution that hold 95% of it."""


def names_people(sentence: str) -> bool:
    """Tell whether an English sentence names a person of any kind."""
    return any(thing[0] == PERSON for things in objects().named(sentence).values() for thing in things)


def people_rates(captions: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, dict[str, Any]]:
    """Return two shares of captions that name people, one a photo.

    Returns:
        found: of the photos of which most references name people. The more, the better.
        invented: of the photos of which no reference does. The fewer, the better.
        Each with `photos`, `share` (0-1) and `interval_95`; photos of which some references do count for neither.
    """
    said = [names_people(caption) for caption in captions]
    named = [[names_people(text) for text in group] for group in references]
    return {
        "found": _share([says for says, group in zip(said, named, strict=True) if 2 * sum(group) > len(group)]),
        "invented": _share([says for says, group in zip(said, named, strict=True) if not any(group)]),
    }


def _share(said: Sequence[bool]) -> dict[str, Any]:
    if not said:
        return {"photos": 0, "share": None, "interval_95": None}
    low, high = share_interval(sum(said), len(said))
    return {
        "photos": len(said),
        "share": round(sum(said) / len(said), 4),
        "interval_95": [round(low, 4), round(high, 4)],
    }


def share_interval(count: int, of: int) -> tuple[float, float]:
    """Return the 95% interval of a share (Wilson 1927): of 0 in 89, too, where a bootstrap would give 0 to 0."""
    share, square = count / of, NORMAL_95**2 / of
    middle = (share + square / 2) / (1 + square)
    reach = NORMAL_95 * math.sqrt(share * (1 - share) / of + square / (4 * of)) / (1 + square)
    return max(0.0, middle - reach), min(1.0, middle + reach)
