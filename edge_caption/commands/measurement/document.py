"""The document that `edge-caption bench` prints. Milliseconds and megabytes (10^6 bytes) unless a name says more."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from edge_caption.commands.measurement.machine import Machine
from edge_caption.errors import ConfigError
from edge_caption.model.caption import ModelIdentity
from edge_caption.text import decode_json, read_text

SCHEMA = 1
"""Goes up when a field changes its meaning or disappears; new fields may come without."""


class Spread(msgspec.Struct, frozen=True):
    """How long one stage took, in milliseconds."""

    p50: float
    p95: float
    p99: float
    jitter: float
    """Mean absolute difference from one run to the next."""
    count: int


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """Captions with one number of threads and of beams."""

    threads: int
    beams: int
    steps: float
    """Decoder steps a caption, the mean."""
    encoder: Spread
    decoder_step: Spread
    search: Spread
    """Of a caption: what the search for words takes beside the decoder's steps."""
    caption: Spread
    """Pixels to sentence: preprocess, encoder and search."""


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """The process `edge-caption run`, started anew several times."""

    runs: int
    first_caption_s: float
    """The median, from the start of the process."""
    worst_first_caption_s: float
    peak_rss_mb: float
    """The median."""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """`edge-caption run` with so many cameras, each asked for `fps` captions a second."""

    cameras: int
    fps: float
    captions_per_s: float
    """Of all cameras together."""
    cpu_share: float
    """Of one core: 1.0 is one core at work all the time."""
    age_ms: float
    """From a frame's arrival to its caption on disk, the median."""
    peak_rss_mb: float


class Heat(msgspec.Struct, frozen=True, kw_only=True):
    """What the run did to the board."""

    before_c: float | None
    highest_c: float | None
    throttled: bool | None
    """At any time; None where the board does not tell."""
    slowdown: float
    """Median time of a caption in the run's last quarter beside its first: above 1.1, the board throttles."""


class EnergyUse(msgspec.Struct, frozen=True, kw_only=True):
    """As the board tells."""

    idle_w: float
    busy_w: float
    joules_per_caption: float
    """Of all that the sensor measures, while one caption follows another, idle power included."""


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured, and on what."""

    benchmark: Literal["device"] = "device"
    schema: int = SCHEMA
    measured_on: str
    """The day."""
    quick: bool
    machine: Machine
    model: ModelIdentity
    stages: dict[str, Spread]
    """Of one frame of 640x480: jpeg_decode, preprocess, commit, publish."""
    searches: tuple[Search, ...]
    start: Start
    loads: tuple[Load, ...]
    heat: Heat
    energy: EnergyUse | None
    left_out: dict[str, str]
    """What was not measured, and why."""


def spread(milliseconds: Sequence[float]) -> Spread:
    """Return percentiles by nearest rank, and the jitter."""
    ordered = sorted(milliseconds)
    p50, p95, p99 = (round(ordered[math.ceil(part * len(ordered)) - 1], 3) for part in (0.5, 0.95, 0.99))
    steps = [abs(one - other) for one, other in itertools.pairwise(milliseconds)]
    return Spread(p50, p95, p99, round(sum(steps) / max(1, len(steps)), 3), len(ordered))


def read_document(file: Path) -> Document:
    """Read what `edge-caption bench` printed.

    Raises:
        ConfigError: the file can't be read, or holds something else, or is of another version of the program.
    """
    try:
        text = read_text(file).strip()
        # Above it the table may stand; other programs spread it over many lines.
        document = decode_json(text if text.startswith("{") else text.rpartition("\n")[2], Document)
    except OSError as error:
        raise ConfigError(f"{file} can't be read ({error.strerror}); give a file that bench wrote") from error
    except (UnicodeError, msgspec.DecodeError) as error:
        raise ConfigError(
            f"{file} is not a document of edge-caption bench ({error}); write one with: edge-caption bench > FILE"
        ) from error
    if document.schema != SCHEMA:
        raise ConfigError(
            f"{file} has schema {document.schema} and this program reads {SCHEMA}; measure with the same program"
        )
    return document
