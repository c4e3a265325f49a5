"""Whether the model may be updated from afar."""

from __future__ import annotations

import msgspec

from edge_caption.bounds import Count


class UpdateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[update]."""

    public_key: str | None = None
    """Whose updates are taken, as `edge-caption sign --new-key` prints it. None: nobody's."""
    max_bytes: Count = 256 * 1024 * 1024
    """An update with more is refused before any of it is taken."""
