"""Edge Caption: camera frames -> sentences, on the device."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from edge_caption.errors import (
    BackendError,
    BundleError,
    CameraError,
    ConfigError,
    EdgeCaptionError,
    OutboxError,
    PhotoError,
)

if TYPE_CHECKING:
    from edge_caption.model.caption import Caption, Word
    from edge_caption.model.captioner import Captioner

__version__ = "0.1.0"

# ONNX Runtime, from 1.32 on, records how it is used and reports it to its maker, unless this is set before its import.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

__all__ = [
    "BackendError",
    "BundleError",
    "CameraError",
    "Caption",
    "Captioner",
    "ConfigError",
    "EdgeCaptionError",
    "OutboxError",
    "PhotoError",
    "Word",
]


def __getattr__(name: str) -> Any:
    # ONNX Runtime and OpenCV load only once a captioner is asked for: `--help` stays quick.
    if name == "Captioner":
        from edge_caption.model.captioner import Captioner

        return Captioner
    if name in ("Caption", "Word"):
        from edge_caption.model import caption

        return getattr(caption, name)
    raise AttributeError(f"module 'edge_caption' has no attribute {name!r}")
