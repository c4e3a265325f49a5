"""Which figures of saved results are compared with those of another run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

Figures = dict[str, Any]


class Figure(NamedTuple):
    """One number to compare."""

    name: str
    value: float
    more_is_better: bool = False
    anywhere: bool = False
    """Whether it says the same on another processor."""


def _latency(figures: Figures) -> Iterator[Figure]:
    for bundle, found in figures["bundles"].items():
        for name, median in found["median_ms"].items():
            yield Figure(f"{bundle}, {name}, ms", median)
        for name, ratio in found["times_faster_than"].items():
            yield Figure(f"{bundle}, times faster than {name}", ratio["median"], more_is_better=True, anywhere=True)


def _memory(figures: Figures) -> Iterator[Figure]:
    yield Figure("peak memory, MB", figures["peak_rss_mb"]["median"], anywhere=True)
    yield Figure("first caption, s", figures["first_caption_s"]["median"])


def _size(figures: Figures) -> Iterator[Figure]:
    yield Figure("wheel, bytes", figures["wheel"], anywhere=True)
    yield Figure("bundle, bytes", figures["bundle"], anywhere=True)


def _roofline(figures: Figures) -> Iterator[Figure]:
    yield Figure("encoder, ms", figures["encoder_ms"])
    yield Figure("encoder, share of its roofline", figures["encoder_of_roofline"], more_is_better=True)
    yield Figure("decoder step, ms", figures["decoder"]["step_ms"])
    yield Figure("decoder step, share of its roofline", figures["decoder"]["of_roofline"], more_is_better=True)


def _peers(figures: Figures) -> Iterator[Figure]:
    for name, peer in figures["peers"].items():
        yield Figure(f"{name}, ms", peer["median_ms"])
        yield Figure(f"{name}, peak memory, MB", peer["peak_rss_mb"], anywhere=True)


def _scale(figures: Figures) -> Iterator[Figure]:
    for load in figures["cameras"]:
        yield Figure(f"{load['cameras']} cameras, captions a second", load["captions_per_s"], more_is_better=True)
        yield Figure(f"{load['cameras']} cameras, age, ms", load["age_ms"])
        yield Figure(f"{load['cameras']} cameras, peak memory, MB", load["peak_rss_mb"], anywhere=True)
    for drain in figures["backlog"]:
        yield Figure(f"backlog of {drain['messages']}, a second", drain["per_s"], more_is_better=True)


def _history(figures: Figures) -> Iterator[Figure]:
    yield Figure("slowest question, ms", figures["slowest_ms"])
    yield Figure("bytes a caption", figures["bytes_each"], anywhere=True)


def _quality(figures: Figures) -> Iterator[Figure]:
    for flavour, beams in figures["flavours"].items():
        for beam, scores in beams.items():
            yield Figure(f"{flavour}, {beam}, CIDEr", scores["cider"], more_is_better=True, anywhere=True)


COMPARED: dict[str, Callable[[Figures], Iterator[Figure]]] = {
    "latency": _latency,
    "memory": _memory,
    "roofline": _roofline,
    "size": _size,
    "peers": _peers,
    "scale": _scale,
    "history": _history,
    "quality": _quality,
    "quality-zh": _quality,
}
"""By the file's name."""
