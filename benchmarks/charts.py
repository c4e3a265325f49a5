"""The gallery's bar charts, as numbers: the page's style sheet draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_caption.model.caption import Caption
from edge_caption.text import split_words
from training.data.captioned_photos import CaptionedPhoto

Floats = NDArray[np.float64]

CIDER_BINS = np.append(np.arange(0, 2.01, 0.2), np.inf)

LENGTH_BINS = np.append(np.arange(4, 18), np.inf)

GROUPS = 5
"""Photos are cut into so many equal groups by confidence."""

TINY = 1e-9
"""Keeps a chart without any height from a division by zero."""


@dataclass(frozen=True)
class Bar:
    """A bar and, on the same scale, a mark to compare it with; heights are shares of the chart's."""

    label: str
    height: float
    mark: float | None
    tip: str


@dataclass(frozen=True)
class Chart:
    """Bars beside each other."""

    title: str
    full_height: str
    """What a bar as tall as the chart stands for."""
    bars: Sequence[Bar]
    bars_are: str
    marks_are: str | None = None


def ciders(greedy: Floats, beam: Floats) -> Chart:
    """Show how the photos' CIDEr is spread."""
    labels = [f"{edge:.1f}" for edge in CIDER_BINS[:-1]]
    counts = [np.histogram(scores, CIDER_BINS)[0] for scores in (greedy, beam)]
    return _histogram("CIDEr of each photo", "photos", labels, counts, ("greedy", "beam 3"))


def lengths(said: Sequence[Caption], photos: Sequence[CaptionedPhoto]) -> Chart:
    """Show how long sentences are, the model's and people's."""
    model = [len(caption.words) for caption in said]
    people = [len(split_words(caption)) for photo in photos for caption in photo.captions]
    counts = [np.histogram(np.maximum(words, LENGTH_BINS[0]), LENGTH_BINS)[0] for words in (model, people)]
    labels = [f"{edge:.0f}" for edge in LENGTH_BINS[:-1]]
    labels[0], labels[-1] = f"≤{labels[0]}", f"{labels[-1]}+"
    return _histogram("Words in a sentence", "sentences", labels, counts, ("greedy", "people"))


def confidences(said: Sequence[Caption], cider: Floats) -> Chart:
    """Show whether surer sentences are better ones."""
    sure = np.array([caption.confidence for caption in said])
    groups = [group for group in np.array_split(np.argsort(sure, kind="stable"), GROUPS) if len(group)]
    means = [float(cider[group].mean()) for group in groups]
    labels = [f"{sure[group].min():.0%}–{sure[group].max():.0%}" for group in groups]
    highest = max(*means, TINY)
    bars = [
        Bar(label, mean / highest, None, f"confidence {label}: mean CIDEr {mean:.2f}")
        for label, mean in zip(labels, means, strict=True)
    ]
    return Chart("CIDEr by confidence", f"CIDEr {highest:.2f}", bars, "mean of a fifth of the photos")


def _histogram(
    title: str, what: str, labels: Sequence[str], counts: Sequence[NDArray[np.int64]], names: tuple[str, str]
) -> Chart:
    """Chart what share of the first and of the second counts falls into each bin."""
    shares, marks = (count / max(1, count.sum()) for count in counts)
    highest = max(shares.max(), marks.max(), TINY)
    bars = [
        Bar(label, share / highest, mark / highest, f"{label}: {names[0]} {share:.1%}, {names[1]} {mark:.1%}")
        for label, share, mark in zip(labels, shares.tolist(), marks.tolist(), strict=True)
    ]
    return Chart(title, f"{highest:.0%} of {what}", bars, *names)
