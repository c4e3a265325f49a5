"""From captions that were judged to a confidence that is a probability, with the proof that it is one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_caption.model.caption import Caption
from edge_caption.model.confidence import Confidence, named, plain
from training.scoring.correctness import MEANING, are_correct

FOLDS = 5

RIDGE = 1.0
"""Penalty on the squared weights of standardised features: keeps a handful of captions from giving extreme ones."""

LEARNT_RIDGE = 150.0
"""The same for the many features of photos that the captioner learnt from; from 30 to 1,000 little changes."""

LEAST_CAPTIONS = 20
"""An object has a weight of its own where so many captions name it."""

PLAIN = 4
"""Features that every caption has."""

STEPS = 25
"""Newton's steps; the logistic loss is convex and six are enough in practice."""

BINS = 10
"""Of the expected calibration error, with equally many captions each (Nguyen and O'Connor 2015)."""

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Learnt:
    """Captions of photos that the captioner learnt from, which tell what it is good at."""

    said: Sequence[Caption]
    references: Sequence[Sequence[str]]
    """What people wrote of the same photos."""

    def weigh(self) -> tuple[list[str], Floats]:
        """Fit a regression to them.

        Returns:
            The objects that it looks at, and its weights: of `looks_of`, the intercept left out.
        """
        counts = Counter(name for caption in self.said for name in named(caption))
        common = sorted(name for name, count in counts.items() if count >= LEAST_CAPTIONS)
        judged = np.array(are_correct([caption.text for caption in self.said], self.references))
        _, *weights = fit(looks_of(self.said, common), judged, LEARNT_RIDGE)
        return common, np.array(weights)


def fit_confidence(
    said: Mapping[int, Sequence[Caption]],
    references: Sequence[Sequence[str]],
    strange: Mapping[int, Sequence[Caption]],
    sets: Mapping[str, Sequence[int]],
    learnt: Learnt,
) -> Confidence:
    """Fit one regression for all ways of searching, and measure it out of fold.

    What it looks at is weighed by captions of photos that the captioner learnt from, for there are many; how that and
    the plain features make a probability, by captions of photos that it did not learn from, for those are less often
    right.

    Args:
        said: beams -> a caption of each photo.
        references: what people wrote of the same photos.
        strange: beams -> captions of pictures of which no caption is right.
        sets: names -> places of the photos that are measured by themselves, too.
        learnt: of photos that the captioner learnt from.
    """
    photos = len(references)
    judged = {
        beam: np.array([*are_correct([caption.text for caption in of], references), *[False] * len(strange[beam])])
        for beam, of in said.items()
    }
    common, looks = learnt.weigh()
    all_said = {beam: [*captions, *strange[beam]] for beam, captions in said.items()}
    known = {beam: np.column_stack([looks_of(of, common) @ looks, features_of(of)]) for beam, of in all_said.items()}
    predicted = out_of_fold(known, judged)
    intercept, share, *weights = fit(np.concatenate(list(known.values())), np.concatenate(list(judged.values())))
    mean, words, contrast, object_log_prob = (looks[:PLAIN] * share + weights).round(6).tolist()
    regions, objects_ = np.split((looks[PLAIN:] * share).round(5), [len(looks) - PLAIN - len(common)])
    return Confidence(
        meaning=MEANING,
        intercept=round(intercept, 6),
        mean_log_prob=mean,
        words=words,
        contrast=contrast,
        object_log_prob=object_log_prob,
        regions=tuple(regions.tolist()),
        objects=dict(zip(common, objects_.tolist(), strict=True)),
        figures={f"beam_{beam}": figures(predicted[beam][:photos], judged[beam][:photos]) for beam in said}
        | _of_sets(predicted[min(said)], judged[min(said)], photos, sets),
    )


def _of_sets(predicted: Floats, judged: Bools, photos: int, sets: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    """Return the figures of each set of photos, and how well right captions are told from those of strange pictures."""
    parts = {name: np.array(places) for name, places in sets.items()} if len(sets) > 1 else {}
    if len(judged) > photos:
        parts["right_or_strange"] = np.flatnonzero(judged | (np.arange(len(judged)) >= photos))
    return {f"{name}, greedy": figures(predicted[places], judged[places]) for name, places in parts.items()}


def features_of(captions: Sequence[Caption]) -> Floats:
    """Return the features that every caption has, shape (captions, PLAIN)."""
    return np.array([plain(caption) for caption in captions])


def looks_of(captions: Sequence[Caption], common: Sequence[str]) -> Floats:
    """Return all that a caption is looked at for: plain features, mean region, and which common objects it names.

    Returns:
        Shape (captions, PLAIN + D + objects).
    """
    scenes = np.array([caption.scene.mean if caption.scene else [] for caption in captions])
    names = [named(caption) for caption in captions]
    objects_ = np.array([[name in of for name in common] for of in names], float).reshape(len(captions), len(common))
    return np.column_stack([features_of(captions), scenes, objects_])


def fit(known: Floats, judged: Bools, ridge: float = RIDGE) -> list[float]:
    """Return intercept and weights of the logistic regression, by Newton's method.

    Targets are drawn in from 0 and 1 as Platt (1999) does, so that the fit exists though all are right, or all wrong.

    Args:
        known: features, shape (captions, F).
        judged: whether each is right.
        ridge: penalty on the squared weights of standardised features.
    """
    mean, deviation = known.mean(0), known.std(0)
    deviation[deviation == 0] = 1
    inputs = np.column_stack([np.ones(len(known)), (known - mean) / deviation])
    count = judged.sum()
    targets = np.where(judged, (count + 1) / (count + 2), 1 / (len(judged) - count + 2))
    penalty = ridge * np.diag([0.0, *np.ones(known.shape[1])])
    weights = np.zeros(inputs.shape[1])
    for _ in range(STEPS):
        predicted = _logistic(inputs @ weights)
        slope = inputs.T @ (predicted - targets) + penalty @ weights
        curvature = (inputs.T * (predicted * (1 - predicted))) @ inputs + penalty
        weights -= np.linalg.solve(curvature, slope)
    scaled = weights[1:] / deviation
    return [float(weights[0] - scaled @ mean), *map(float, scaled)]


def out_of_fold(known: Mapping[int, Floats], judged: Mapping[int, Bools]) -> dict[int, Floats]:
    """Return each caption's probability from a fit that saw no caption of its photo, whatever the beams."""
    predicted = {beam: np.zeros(len(of)) for beam, of in judged.items()}
    for fold in range(FOLDS):
        held = {beam: np.arange(len(of)) % FOLDS == fold for beam, of in judged.items()}
        seen = [(known[beam][~held[beam]], judged[beam][~held[beam]]) for beam in judged]
        inputs, targets = (np.concatenate(part) for part in zip(*seen, strict=True))
        intercept, *weights = fit(inputs, targets)
        for beam in judged:
            predicted[beam][held[beam]] = _logistic(intercept + known[beam][held[beam]] @ weights)
    return predicted


def figures(predicted: Floats, judged: Bools) -> dict[str, Any]:
    """Return how good probabilities are: Brier's score (1950), expected calibration error, area under the ROC curve."""
    bins = reliability(predicted, judged)
    gap = sum(of["captions"] * abs(of["confidence"] - of["right"]) for of in bins) / len(judged)
    return {
        "captions": len(judged),
        "right": round(float(judged.mean()), 4),
        "mean_confidence": round(float(predicted.mean()), 4),
        "brier": round(float(((predicted - judged) ** 2).mean()), 4),
        "ece": round(gap, 4),
        "auroc": _auroc(predicted, judged),
    }


def reliability(predicted: Floats, judged: Bools) -> list[dict[str, float]]:
    """Return mean confidence and share of right captions in BINS bins, the least confident first."""
    order = np.argsort(predicted, kind="stable")
    return [
        {
            "captions": len(bin_),
            "confidence": round(float(predicted[bin_].mean()), 4),
            "right": round(float(judged[bin_].mean()), 4),
        }
        for bin_ in np.array_split(order, BINS)
        if len(bin_)
    ]


def _auroc(predicted: Floats, judged: Bools) -> float | None:
    """Return how often a right caption has more confidence than a wrong one; None where one kind is missing."""
    if judged.all() or not judged.any():
        return None
    differences = predicted[judged][:, None] - predicted[~judged][None]
    return round(float((differences > 0).mean() + (differences == 0).mean() / 2), 4)


def _logistic(score: Floats) -> Floats:
    return (1 + np.tanh(score / 2)) / 2
