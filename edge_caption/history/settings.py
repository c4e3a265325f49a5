"""What is kept of the past."""

from __future__ import annotations

from typing import Annotated

import msgspec

from edge_caption.bounds import Count, Positive


class HistorySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[history]."""

    keep: bool = False
    """Keep captions on the device, for `edge-caption search` and the page."""
    max_days: Positive = 30.0
    """Captions older than this are deleted."""
    max_bytes: Count = 512 * 1024 * 1024
    """The oldest captions are deleted when the file holds more than this."""
    min_free_bytes: Annotated[int, msgspec.Meta(ge=0)] = 128 * 1024 * 1024
    """Nothing is kept while the disk has less room than this: the outbox needs it more."""
    thumbnails: bool = False
    """Keep a small picture with each caption."""
    thumbnail_pixels: Annotated[int, msgspec.Meta(ge=16, le=1024)] = 160
    """The longer side of a small picture."""
