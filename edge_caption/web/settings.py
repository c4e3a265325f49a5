"""What the page can be told."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edge_caption.bounds import ListenAddress


class PageSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[page]."""

    listen: ListenAddress | None = None
    """None: there is no page."""
    token_file: Path | None = None
    """The token of those beyond this computer; None: a new one at each start."""
    hosts: tuple[str, ...] = ()
    """Further names that browsers may call it by."""
    api: bool = False
    """Whether photos are captioned there, too, as `edge-caption serve` does."""
