"""What an export raises on purpose, beside the runtime's own errors."""

from __future__ import annotations

from edge_caption.errors import EdgeCaptionError


class ExportError(EdgeCaptionError):
    """A proof failed, so no bundle was written; the message says which and by how much."""
