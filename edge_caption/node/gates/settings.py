"""What the gates can be told."""

from __future__ import annotations

import msgspec

from edge_caption.bounds import Share


class GateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[gate]."""

    min_confidence: Share = 0.0
    """A caption of less confidence is not published; 0 publishes all."""
