"""What a camera can be told."""

from __future__ import annotations

from typing import Annotated

import msgspec

from edge_caption.bounds import Positive
from edge_caption.cameras.source import Source


class CameraSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[camera], or one of [[cameras]]."""

    source: Source | None = None
    name: str = "camera"
    fps: Positive = 1.0
    """Captions a second at most."""
    loop: bool = False
    """Start files over when they end."""
    tls_insecure: bool = False
    """Take any certificate of an https:// camera, such as one that it signed itself."""
    open_timeout_s: Positive = 10.0
    no_frame_s: Positive = 10.0
    """A camera that gives no frame for so long is opened again."""
    same_frame_s: Annotated[float, msgspec.Meta(ge=0)] = 120.0
    """A camera that gives the same frame for so long is opened again; 0 never."""
