"""How probable it is that a caption is right."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_caption.model.caption import Caption, Scene
from edge_caption.model.objects import objects

TINY = 1e-6
"""Keeps regions that are all the same from a logarithm of zero."""

Weights = Mapping[str, float]


def scene_of(regions: NDArray[np.float32]) -> Scene:
    """Look at a picture's regions, shape (1, R, D)."""
    each = regions[0]
    mean = each.mean(0)
    # The variance as the mean of the squares less the square of the mean, which copies no region.
    variance = float(np.vdot(each, each)) / len(each) - float(np.vdot(mean, mean))
    return Scene(mean, math.log(math.sqrt(max(0.0, variance)) + TINY))


class Confidence(msgspec.Struct, frozen=True, kw_only=True):
    """A logistic regression (Cox 1958; for calibration, Platt 1999) on what a search knows of its sentence and picture.

    The export fits it (export/confidence_fit.py) to captions of photos, and to those of pictures that show nothing it
    knows (export/strange.py).
    """

    meaning: str
    """What "right" is: the rule that the captions were judged by."""
    intercept: float
    mean_log_prob: float
    words: float
    contrast: float = 0.0
    object_log_prob: float = 0.0
    """The weights of the features of the same names."""
    regions: tuple[float, ...] = ()
    """Of each number of the mean region, D of them or none: some kinds of pictures are told better than others."""
    objects: Weights = {}
    """Of each object that the sentence names, where enough captions name it: some are told apart better than others."""
    figures: dict[str, Any]
    """How well it does, on photos that it was not fitted to."""

    def probability(self, caption: Caption) -> float:
        """Return how probable it is that a caption is right."""
        weights = (self.mean_log_prob, self.words, self.contrast, self.object_log_prob)
        pairs = zip(weights, plain(caption), strict=True)
        score = self.intercept + sum(weight * value for weight, value in pairs if weight)
        score += sum(self.objects.get(name, 0.0) for name in named(caption))
        if self.regions and caption.scene:
            score += float(caption.scene.mean @ np.array(self.regions, np.float32))
        return (1 + math.tanh(score / 2)) / 2  # the logistic function, for any score without overflow


def plain(caption: Caption) -> tuple[float, float, float, float]:
    """Return the features that every caption has.

    They are the mean log-probability of words and end, the number of words, the contrast, and the mean log-probability
    of the words that name objects.
    """
    known = objects()
    sure = [word.log_prob for word in caption.words if known.of(word.text)]
    mean = caption.log_prob / (len(caption.words) + 1)
    contrast = caption.scene.contrast if caption.scene else 0.0
    return mean, float(len(caption.words)), contrast, sum(sure) / len(sure) if sure else 0.0


def named(caption: Caption) -> set[str]:
    """Return the words of a caption that name objects, each once."""
    known = objects()
    return {word.text for word in caption.words if known.of(word.text)}


def mean_probability(log_prob: float, words: int) -> float:
    """Return the geometric mean of the probabilities of words and end: a confidence that nothing was calibrated for."""
    return math.exp(log_prob / (words + 1))
