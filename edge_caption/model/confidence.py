"""How probable it is that a caption is right."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

TINY = 1e-6
"""Keeps regions that are all the same from a logarithm of zero."""


class Confidence(msgspec.Struct, frozen=True, kw_only=True):
    """A logistic regression (Cox 1958; for calibration, Platt 1999) on what a search knows of its sentence.

    The export fits it (export/confidence_fit.py) to captions of photos that the model was not trained on, and to those
    of pictures that show nothing it knows (export/strange.py).
    """

    meaning: str
    """What "right" is: the rule that the captions were judged by."""
    intercept: float
    mean_log_prob: float
    words: float
    contrast: float = 0.0
    """The weights of the features of the same names."""
    figures: dict[str, Any]
    """How well it does, on photos that it was not fitted to."""

    def probability(self, log_prob: float, words: int, contrast: float) -> float:
        """Return how probable it is that a caption of so many words and such a log-probability is right."""
        mean, length, contrast = features(log_prob, words, contrast)
        score = self.intercept + self.mean_log_prob * mean + self.words * length + self.contrast * contrast
        return (1 + math.tanh(score / 2)) / 2  # the logistic function, for any score without overflow


def features(log_prob: float, words: int, contrast: float) -> tuple[float, float, float]:
    """Return what the regression looks at: the mean log-probability of words and end, number of words, contrast."""
    return log_prob / (words + 1), float(words), contrast


def contrast_of(regions: NDArray[np.float32]) -> float:
    """Return how much a picture's regions (1, R, D) differ from one another, as a logarithm.

    Plain pictures, noise and text excite the encoder little, and everywhere alike; photos of things do not.
    """
    return math.log(float(np.linalg.norm(regions[0].std(0))) + TINY)


def mean_probability(log_prob: float, words: int) -> float:
    """Return the geometric mean of the probabilities of words and end: a confidence that nothing was calibrated for."""
    return math.exp(log_prob / (words + 1))
