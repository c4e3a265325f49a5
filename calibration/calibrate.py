"""fp32 graphs + photos -> the calibration table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from onnx import ModelProto

from calibration.observe import Observed, Watcher, side_of
from calibration.ranges import METHODS, Extremes, Histogram, Histograms, Means, Range
from calibration.sampling import digest
from calibration.table import Table, graphs_sha256
from edge_caption.errors import ConfigError
from edge_caption.images.photos import read_photo
from edge_caption.model import preprocess
from edge_caption.model.bundle import Decoding
from edge_caption.model.decoder import Decoder, greedy
from edge_caption.model.encoder import Encoder

GRAPHS = ("encoder", "decoder")

Kind = TypeVar("Kind")

Progress = Callable[[Iterable[Path], str], Iterable[Path]]
"""Wraps what is gone through, and says what for."""


def silently(photos: Iterable[Path], _: str) -> Iterable[Path]:
    """Go through photos without a progress bar."""
    return photos


def calibrate(
    encoder: ModelProto,
    decoder: ModelProto,
    photos: Sequence[Path],
    method: str,
    progress: Progress = silently,
) -> Table:
    """Watch the fp32 graphs caption photos, as a device would, and note the range of every activation.

    The photos are gone through twice: for the extremes, then for the histograms. Memory does not grow with them.

    Args:
        method: one of calibration.ranges.METHODS.

    Raises:
        ConfigError: no photos, or the method is unknown.
        PhotoError: a photo can't be read.
    """
    if not photos:
        raise ConfigError("calibration needs photos and there are none; give some")
    if method not in METHODS:
        raise ConfigError(f"there is no calibration method {method}; choose one of: {', '.join(METHODS)}")
    extremes, means = _pair(Extremes), _pair(Means)
    both = [[extremes[name].watch, means[name].watch] for name in GRAPHS]
    _caption_all(encoder, decoder, progress(photos, "calibrating: extremes"), *both)
    histograms = {name: Histograms(extremes[name]) for name in GRAPHS}
    counting = [[histograms[name].watch] for name in GRAPHS]
    _caption_all(encoder, decoder, progress(photos, "calibrating: histograms"), *counting)
    return Table(
        method=method,
        photos=len(photos),
        photos_sha256=digest(photos),
        preprocessing=preprocess.NAME,
        graphs_sha256=graphs_sha256(encoder, decoder),
        ranges={name: _ranges(histograms[name].of, METHODS[method]) for name in GRAPHS},
        means={name: means[name].rounded() for name in GRAPHS},
    )


def _pair(kind: Callable[[], Kind]) -> dict[str, Kind]:
    return {name: kind() for name in GRAPHS}


def _caption_all(
    encoder: ModelProto,
    decoder: ModelProto,
    photos: Iterable[Path],
    watch_encoder: Sequence[Watcher],
    watch_decoder: Sequence[Watcher],
) -> None:
    """Decode greedily with the runtime's own loop: the decoder's ranges come from states that really occur."""
    see = Encoder(Observed(encoder, watch_encoder))
    say = Decoder(Observed(decoder, watch_decoder))
    side = side_of(encoder)
    for photo in photos:
        greedy(say, see(preprocess.to_input(read_photo(photo), side)), Decoding().max_words)


def _ranges(histograms: dict[str, Histogram], method: Callable[[Histogram], Range]) -> dict[str, Range]:
    return {name: method(histogram) for name, histogram in histograms.items()}
