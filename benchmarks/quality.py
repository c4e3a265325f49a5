"""Caption quality of a bundle as it runs on a device: coco-caption scores with intervals, and diversity."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from benchmarks.captions import caption_all
from benchmarks.diversity import Sentence, diversity
from benchmarks.intervals import bleu_interval, mean_interval
from edge_caption.caption import Caption
from edge_caption.captioner import Captioner
from training.data.load import load_sentences
from training.data.photos import CaptionedPhoto
from training.languages import split_spaced
from training.nonsense import nonsense, of_people
from training.scores import Scorer

Figures = dict[str, Any]


def measure(
    bundle: Path | None,
    flavours: Sequence[str],
    beams: Sequence[int],
    photos: Sequence[CaptionedPhoto],
    trained_on: AbstractSet[Sentence],
) -> Figures:
    """Caption every photo with each flavour and beam.

    Args:
        trained_on: what `training_sentences` returns.
    """
    runs = {
        (flavour, beam): texts(
            caption_files(Captioner(bundle, flavour=flavour, beam=beam), photos, f"{flavour}, beam {beam}")
        )
        for flavour in flavours
        for beam in beams
    }
    references = [photo.captions for photo in photos]
    scored = score_runs(Scorer(references), list(runs.values()), trained_on)
    by_flavour: dict[str, Figures] = {flavour: {} for flavour in flavours}
    for (flavour, beam), of_run in zip(runs, scored, strict=True):
        by_flavour[flavour][f"beam_{beam}"] = of_run | nonsense(runs[flavour, beam], references)
    people = diversity_of([written[0] for written in references], trained_on) | of_people(references)
    return {"photos": len(photos), "flavours": by_flavour, "people": people}


def caption_files(captioner: Captioner, photos: Sequence[CaptionedPhoto], title: str) -> list[Caption]:
    """Caption photos as a device would."""
    return caption_all(captioner, (photo.file for photo in photos), len(photos), title)


def texts(captions: Sequence[Caption]) -> list[str]:
    """Return the sentences alone."""
    return [caption.text for caption in captions]


def score_runs(scorer: Scorer, runs: Sequence[Sequence[str]], trained_on: AbstractSet[Sentence]) -> list[Figures]:
    """Return each run's scores, the intervals of BLEU-4 and CIDEr, and diversity."""
    return [
        {
            **_rounded(scores),
            "interval_95": {
                "bleu_4": [round(limit, 4) for limit in bleu_interval(scorer.bleu_counts(said))],
                "cider": [round(limit, 4) for limit in mean_interval(scorer.cider_of_each(said))],
            },
            **diversity_of(said, trained_on),
        }
        for said, scores in zip(runs, scorer.all_of(runs), strict=True)
    ]


def training_sentences(captions: Path) -> set[Sentence]:
    """Return what the training split's people wrote, as words; empty where the file has no such split."""
    return set(_split(load_sentences(captions, "train")))


def diversity_of(said: Sequence[str], trained_on: AbstractSet[Sentence]) -> Figures:
    """Return the diversity of sentences, one a photo."""
    return _rounded(diversity(_split(said), trained_on))


def _split(sentences: Sequence[str]) -> list[Sentence]:
    """Split as the vocabulary was: a model can't say punctuation or capitals."""
    return [tuple(split_spaced(sentence)) for sentence in sentences]


def _rounded(scores: dict[str, float]) -> Figures:
    return {name: round(value, 4) for name, value in scores.items()}
