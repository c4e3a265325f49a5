"""The records of what happens. Console, MQTT, HTTP, history and page all show these.

Times are seconds since the Unix epoch unless the name says otherwise. docs/schemas/ has each one's JSON Schema.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from edge_caption.model.caption import Box, Caption, ModelIdentity, Word

SCHEMA = 1
"""Goes up when a field changes its meaning or disappears; new fields may come without."""


class WordRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One word of a caption."""

    text: str
    log_prob: float
    box: Box
    """Where the captioner looked: left, top, right, bottom, 0-1."""
    attention: tuple[tuple[float, ...], ...] | None = None
    """The weight of each region, in rows; left out unless it was asked for."""


class Sentence(msgspec.Struct, frozen=True, kw_only=True):
    """What the captioner says of a picture, from wherever the picture came."""

    caption: str
    language: str
    words: tuple[WordRecord, ...]
    confidence: float
    doubtful: bool = False
    """Whether such captions are wrong more often than right; False where the confidence is not calibrated."""
    stages_ms: dict[str, float]
    model: ModelIdentity


class PhotoCaption(Sentence, frozen=True, kw_only=True):
    """The caption of a photo file."""

    file: str


class WorkerAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker says to a photo that came over MQTT."""

    status: Literal["ok", "error"]
    file: str
    """What the asker calls the photo; - where it has no name."""
    data: PhotoCaption | None = None
    error: str | None = None
    """One sentence."""
    worker: str
    schema: int = SCHEMA


class CaptionRecord(Sentence, frozen=True, kw_only=True):
    """The caption of a camera's frame."""

    id: str
    """`<node>:<sequence>`, without gaps over all captions and camera events of the node."""
    event_type: Literal["caption"] = "caption"
    node: str
    camera: str
    captured_at: float
    age_ms: float
    """From the frame's arrival to the moment the caption went to disk."""
    dropped_since_last: int
    schema: int = SCHEMA


class CameraEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A camera was lost or is back, its pictures show nothing or something again, or its model is updated."""

    id: str
    event_type: str
    """`camera_lost`, `camera_back`, `camera_obstructed` or `camera_clear`; of the model, which each camera shares,
    `update_begun`, `update_done`, `update_failed` (before it captioned) or `update_rolled_back` (after)."""
    node: str
    camera: str
    captured_at: float
    """When it was noticed."""
    reason: str
    schema: int = SCHEMA


class AlertRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A caption said what an alert waits for."""

    id: str
    event_type: Literal["alert"] = "alert"
    node: str
    camera: str
    captured_at: float
    """Of the caption's frame."""
    alert: str
    """Its name in the settings."""
    caption: str
    caption_id: str
    """The `id` of the caption's record."""
    schema: int = SCHEMA


class Percentiles(msgspec.Struct, frozen=True):
    """Of the latest captions, in milliseconds."""

    p50: float
    p95: float
    max: float


CameraState: TypeAlias = Literal["online", "offline", "disabled", "obstructed"]


class CameraHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How one camera does; counters start at 0 with the program."""

    online: bool
    fps: float
    """Captions a second over the last half minute."""
    captions: int
    silenced: int
    """Captions that a gate held back; not among `captions`."""
    latency_ms: Percentiles | None
    """The captioner alone; None before the first caption."""
    age_ms: Percentiles | None
    """From the frame's arrival to the disk."""
    frames_dropped: int
    """Replaced by a newer frame before the captioner could take them; the --fps cap does that on purpose."""
    reconnects: int
    held: dict[str, int]
    """How often each gate held a frame or a caption back."""
    stages_ms: dict[str, Percentiles] = {}
    """Of each stage in the captioner: `preprocess`, `encode`, `decode`."""
    state: CameraState | None = None
    """As on its status topic; None before the first frame or fault."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How the node does; counters start at 0 with the program, except `outbox_dropped`."""

    node: str
    at: float
    uptime_s: float
    fps: float
    """Captions a second of all cameras over the last half minute."""
    captions: int
    silenced: int
    latency_ms: Percentiles | None
    age_ms: Percentiles | None
    frames_dropped: int
    camera_reconnects: int
    broker_reconnects: int
    outbox_depth: int
    outbox_rejected: int
    """In the outbox because the broker rejected them."""
    outbox_dropped: int
    """Lost because the outbox was full, since it was made."""
    rss_mb: float
    cpu_percent: float
    """Of one core, by this program over some seconds."""
    disk_free_mb: float | None
    temperature_c: float | None
    """Of the hottest zone; None where the board does not tell, as below."""
    throttled: bool | None
    """Whether the board slows down now, for want of power or from heat."""
    power_w: float | None
    """Of the whole board, or of the processor where only that is told."""
    joules_per_caption: float | None
    stages_ms: dict[str, Percentiles] = {}
    """Of each stage in the captioner, over all cameras."""
    cpu_share_allowed: float | None = None
    """Of all cores, what `[budget]` lets the program use now; None: as much as it likes."""
    slowed_by: Literal["cpu_share", "temperature_c"] | None = None
    """The limit of `[budget]` for which captions come less often than cameras' settings ask for; None: none does."""
    cameras: dict[str, CameraHealth]
    schema: int = SCHEMA


Record: TypeAlias = CaptionRecord | CameraEvent | AlertRecord | Health
"""What reaches every sink."""


class Info(msgspec.Struct, frozen=True, kw_only=True):
    """What a node is."""

    node: str
    version: str
    """Of Edge Caption."""
    model: ModelIdentity
    settings: dict[str, Any]
    """Without logins and passwords."""
    settings_schema: dict[str, Any]
    """JSON Schema of the settings."""
    schema: int = SCHEMA


UpdatePhase: TypeAlias = Literal["idle", "receiving", "offered", "testing", "trial"]
"""Of an update of the model: bytes come; all are here and wait for the word; self-test; first captions."""


class UpdateState(msgspec.Struct, frozen=True, kw_only=True):
    """Which model runs, and what becomes of an update of it."""

    state: UpdatePhase
    title: str
    """Of the model that runs."""
    installed_version: str
    latest_version: str
    """The version on its way, or the one that runs."""
    in_progress: bool
    update_percentage: int | None
    """Of the bytes that are here."""
    update: str | None
    """What the update on its way is called in the topics of its chunks."""
    next: int
    """Bytes that are here: where the next chunk begins."""
    size: int
    """Bytes of the whole update."""
    error: str | None
    """Why the newest update was refused or rolled back."""
    schema: int = SCHEMA


PUBLIC = (CaptionRecord, CameraEvent, AlertRecord, Health, Info, PhotoCaption, WorkerAnswer, UpdateState)
"""The records that leave the program; each has a JSON Schema in docs/schemas/."""


def sentence(caption: Caption, *, attention: bool = False) -> dict[str, Any]:
    """Return the fields of `Sentence`, rounded for readers.

    Args:
        caption: what was said.
        attention: give each word's weights of all regions, too.
    """
    return {
        "caption": caption.text,
        "language": caption.language,
        "words": tuple(_word(word, attention) for word in caption.words),
        "confidence": round(caption.confidence, 4),
        "doubtful": caption.doubtful,
        "stages_ms": {stage: round(spent, 2) for stage, spent in caption.stages_ms.items()},
        "model": caption.model,
    }


def _word(word: Word, attention: bool) -> WordRecord:
    rows = tuple(tuple(round(float(weight), 5) for weight in row) for row in word.attention) if attention else None
    return WordRecord(text=word.text, log_prob=round(word.log_prob, 4), box=word.box, attention=rows)


def encode(record: msgspec.Struct) -> bytes:
    """Return JSON."""
    return msgspec.json.encode(record)


def schemas() -> dict[str, dict[str, Any]]:
    """Return each public record's JSON Schema by its name."""
    return {kind.__name__: msgspec.json.schema(kind) for kind in PUBLIC}
