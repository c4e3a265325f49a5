"""What a camera can be told."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from edge_caption.bounds import Count, NotNegative, Positive
from edge_caption.cameras.source import Source


class CameraSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[camera], or one of [[cameras]]."""

    source: Source | None = None
    """Where the pictures come from: docs/cameras.md lists the kinds."""
    name: str = "camera"
    """In topics and records; each camera of a node has its own."""
    fps: Positive = 1.0
    """Captions a second at most."""
    loop: bool = False
    """Start files over when they end."""
    real_time: bool = True
    """Take a second for each second of a film. False: files are captioned as fast as the captioner can."""
    watch: bool = False
    """Of a folder or a pattern: wait for photos that come, and leave those that are there alone."""
    transport: Literal["tcp", "udp"] | None = None
    """Of RTSP. None: TCP where the camera has it, else UDP."""
    tls_insecure: bool = False
    """Take any certificate of an https:// camera, such as one that it signed itself."""
    width: Count | None = None
    """Of the picture, in pixels, for cameras of this computer. None: as the camera likes."""
    height: Count | None = None
    """The same."""
    capture_fps: Positive | None = None
    """Frames a second that a camera of this computer is to give; more than `fps` keeps what is captioned fresh."""
    pixel_format: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9]{4}$")] | None = None
    """Four letters as V4L2 lists them (`v4l2-ctl --list-formats`), such as MJPG or YUYV."""
    open_timeout_s: Positive = 10.0
    """A camera that has not opened after so long is tried again."""
    no_frame_s: Positive = 10.0
    """A camera that gives no frame for so long is opened again."""
    same_frame_s: NotNegative = 120.0
    """A camera that gives the same frame for so long is opened again; 0 never."""
