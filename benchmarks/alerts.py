"""Precision and recall of alerts in words, beside those of the model's likelihood of the same words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.captions import caption_all, check_english
from edge_caption.model.captioner import Captioner
from edge_caption.model.encoder import Floats
from edge_caption.model.likelihood import nothing_seen
from edge_caption.node.alerts.wanted import Wanted
from training.data.captioned_photos import CaptionedPhoto

PHRASES = (
    "a person", "a man", "a woman", "a child", "a dog", "a bike", "a car", "a ball", "a horse", "water", "snow",
    "a dog in the water", "a dog in the snow", "a dog with a ball", "a child on a swing", "a child on a slide",
    "a person on a skateboard", "a man on a bike", "people on the beach", "a person climbing a rock",
)  # fmt: skip

WITNESSES = 2
"""Of the people who wrote of a photo, so many must say it for it to be true."""


def measure(bundle: Path | None, flavour: str | None, photos: Sequence[CaptionedPhoto]) -> dict[str, Any]:
    """Compare alerts with what people wrote of the photos.

    The likelihood's threshold, one for all phrases, is the best on these very photos: a generous rival.
    """
    check_english(photos)
    captioner = Captioner(bundle, flavour=flavour)
    captions = [caption.text for caption in caption_all(captioner, [photo.file for photo in photos], len(photos), "")]
    wanted = [Wanted(phrase) for phrase in PHRASES]
    truth = np.array([[_true_of(each, photo) for each in wanted] for photo in photos])
    raised = np.array([[each.fits(caption) for each in wanted] for caption in captions])
    gain = _gain(captioner, photos)
    threshold = max(np.quantile(gain, np.linspace(0.5, 0.995, 100)), key=lambda limit: _mean_f1(gain >= limit, truth))
    return {
        "photos": len(photos),
        "witnesses": WITNESSES,
        "words": _figures(raised, truth),
        "likelihood": {"threshold": round(float(threshold), 2), **_figures(gain >= threshold, truth)},
        "phrases": {
            phrase: {"true": int(truth[:, index].sum()), **_scores(raised[:, index], truth[:, index])}
            for index, phrase in enumerate(PHRASES)
        },
    }


def _true_of(wanted: Wanted, photo: CaptionedPhoto) -> bool:
    return sum(map(wanted.fits, photo.captions)) >= WITNESSES


def _gain(captioner: Captioner, photos: Sequence[CaptionedPhoto]) -> Floats:
    """Return how much likelier each word of each phrase is with each photo than with none; (photos, phrases)."""
    questions = [captioner.ask(phrase) for phrase in PHRASES]
    lengths = np.array([len(question.tokens) for question in questions])
    seen = [captioner.encode(photo.file).seen for photo in photos]
    without = captioner.log_probs(nothing_seen(seen[0]), questions)
    return np.stack([(captioner.log_probs(each, questions) - without) / lengths for each in seen])


def _figures(raised: NDArray[np.bool_], truth: NDArray[np.bool_]) -> dict[str, float]:
    """Return the means over the phrases."""
    each = [_scores(raised[:, index], truth[:, index]) for index in range(len(PHRASES))]
    return {name: round(float(np.mean([scores[name] for scores in each])), 3) for name in each[0]}


def _mean_f1(raised: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return _figures(raised, truth)["f1"]


def _scores(raised: NDArray[np.bool_], truth: NDArray[np.bool_]) -> dict[str, float]:
    right = int((raised & truth).sum())
    precision, recall = right / max(int(raised.sum()), 1), right / max(int(truth.sum()), 1)
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return {"precision": round(precision, 3), "recall": round(recall, 3), "f1": round(f1, 3)}
