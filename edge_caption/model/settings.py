"""Which model captions, and how."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edge_caption.bounds import Count, Share


class ModelSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[model]."""

    bundle: Path | None = None
    flavour: str | None = None
    backend: str | None = None
    beam: Count | None = None
    threads: Count | None = None
    specific: Share | None = None
    language: str | None = None
