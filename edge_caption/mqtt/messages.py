"""What the payloads hold. Times are seconds since the Unix epoch unless the name says otherwise."""

from __future__ import annotations

import msgspec

from edge_caption.caption import Box, Caption

SCHEMA = 1
"""Goes up when a field changes its meaning or disappears; new fields may come without."""


class WordPart(msgspec.Struct, frozen=True):
    """One word of a caption."""

    text: str
    log_prob: float
    box: Box
    """Where the captioner looked: left, top, right, bottom, 0-1."""


class ModelPart(msgspec.Struct, frozen=True):
    """Which model said it."""

    name: str
    sha256: str
    flavour: str
    backend: str


class CaptionMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The newest caption of a camera."""

    id: str
    """`<node>:<sequence>`, without gaps over everything in the node's event topics."""
    node: str
    camera: str
    caption: str
    language: str
    words: tuple[WordPart, ...]
    confidence: float
    captured_at: float
    age_ms: float
    """From the frame's arrival to the moment the caption went to disk."""
    stages_ms: dict[str, float]
    dropped_since_last: int
    model: ModelPart
    schema: int = SCHEMA


class CaptionEvent(CaptionMessage, frozen=True, kw_only=True):
    """The same, as one of the events of a camera."""

    event_type: str = "caption"


class CameraEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A camera was lost or is back."""

    id: str
    event_type: str
    """`camera_lost` or `camera_back`."""
    node: str
    camera: str
    captured_at: float
    """When it was noticed."""
    reason: str
    schema: int = SCHEMA


class Percentiles(msgspec.Struct, frozen=True):
    """Of the latest captions, in milliseconds."""

    p50: float
    p95: float
    max: float


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How the device does; counters start at 0 with the program, except `outbox_dropped`."""

    node: str
    at: float
    uptime_s: float
    fps: float
    """Captions a second since the last health message."""
    captions: int
    silenced: int
    """Captions that the gate let nobody hear; not among `captions`."""
    latency_ms: Percentiles | None
    """The captioner alone; None before the first caption."""
    age_ms: Percentiles | None
    """From the frame's arrival to the disk."""
    frames_dropped: int
    """Replaced by a newer frame before the captioner could take them; the --fps cap does that on purpose."""
    camera_reconnects: int
    broker_reconnects: int
    outbox_depth: int
    outbox_rejected: int
    """In the outbox because the broker rejected them."""
    outbox_dropped: int
    """Lost because the outbox was full, since it was made."""
    rss_mb: float
    schema: int = SCHEMA


def word_parts(caption: Caption) -> tuple[WordPart, ...]:
    """Return the words as they are published."""
    return tuple(WordPart(word.text, round(word.log_prob, 4), word.box) for word in caption.words)


def encode(message: msgspec.Struct) -> bytes:
    """Return JSON."""
    return msgspec.json.encode(message)


def encode_event(message: CaptionMessage) -> bytes:
    """Return a caption's JSON as one of the events of its camera."""
    return encode(CaptionEvent(**msgspec.structs.asdict(message)))
