"""How probable it is that a caption is right."""

from __future__ import annotations

import math
from typing import Any

import msgspec


class Confidence(msgspec.Struct, frozen=True, kw_only=True):
    """A logistic regression (Cox 1958; for calibration, Platt 1999) on what a search knows of its sentence.

    The export fits it (export/confidence_fit.py) to captions of photos that the model was not trained on. Nobody
    measured what it tells of pictures of another kind.
    """

    meaning: str
    """What "right" is: the rule that the captions were judged by."""
    intercept: float
    mean_log_prob: float
    words: float
    """The weights of the features of the same names."""
    figures: dict[str, Any]
    """How well it does, on photos that it was not fitted to."""

    def probability(self, log_prob: float, words: int) -> float:
        """Return how probable it is that a caption of so many words and such a log-probability is right."""
        mean, length = features(log_prob, words)
        score = self.intercept + self.mean_log_prob * mean + self.words * length
        return (1 + math.tanh(score / 2)) / 2  # the logistic function, for any score without overflow


def features(log_prob: float, words: int) -> tuple[float, float]:
    """Return what the regression looks at: the mean log-probability of words and end, and the number of words."""
    return log_prob / (words + 1), float(words)


def mean_probability(log_prob: float, words: int) -> float:
    """Return the geometric mean of the probabilities of words and end: a confidence that nothing was calibrated for."""
    return math.exp(features(log_prob, words)[0])
