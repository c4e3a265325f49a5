"""Which model captions, and how."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edge_caption.bounds import Count, Share


class ModelSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[model]."""

    bundle: Path | None = None
    """`accurate`, `fast`, or a bundle's folder; `accurate` if not given."""
    flavour: str | None = None
    """`cpu-x86`, `cpu-arm`, … of the bundle; this machine's if not given."""
    backend: str | None = None
    """`onnxruntime`, `openvino`, `tensorrt`, or `auto`, the fastest CPU one here; `onnxruntime` if not given."""
    beam: Count | None = None
    """Sentences kept while searching; the bundle's own if not given."""
    threads: Count | None = None
    """CPU threads of the encoder; all cores, at most 4, if not given."""
    specific: Share | None = None
    """0 to 1: how much words are preferred that fit this picture better than others; the bundle's own if not given."""
    sure: Share | None = None
    """0 to 1: name objects that are so probable, else say a general word or nothing; the bundle's own if not given."""
    language: str | None = None
    """`en`, `zh`, …; the bundle's first if not given."""
