"""Caption quality of a bundle as it runs on a device: coco-caption scores with intervals, and diversity."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from benchmarks.captions import caption_all
from benchmarks.diversity import Sentence, diversity
from benchmarks.intervals import bleu_interval, mean_interval
from edge_caption.model.caption import Caption
from edge_caption.model.captioner import Captioner
from training.data.captioned_photos import CaptionedPhoto
from training.data.load import CaptionFile, load_sentences
from training.languages import LANGUAGES
from training.scoring.flaws import flaw_rates, flaw_rates_of_people
from training.scoring.people import people_rates
from training.scoring.scores import Scorer

Figures = dict[str, Any]


def measure(
    bundle: Path | None,
    flavours: Sequence[str],
    backend: str,
    beams: Sequence[int],
    photos: Sequence[CaptionedPhoto],
    trained_on: AbstractSet[Sentence],
    specific: float | None = None,
    sure: float | None = None,
) -> Figures:
    """Caption every photo with each flavour and beam.

    Args:
        trained_on: what `training_sentences` returns.
        specific, sure: as of the captioner; the bundle's own if None.
    """
    language = photos[0].language
    references = [photo.captions for photo in photos]
    runs = {}
    for flavour, beam in itertools.product(flavours, beams):
        settings: dict[str, Any] = {"beam": beam, "language": language, "specific": specific, "sure": sure}
        captioner = Captioner(bundle, flavour=flavour, backend=backend, **settings)
        runs[flavour, beam] = texts(caption_files(captioner, photos, f"{flavour}, beam {beam}"))
    scored = score_runs(Scorer(references, language), list(runs.values()), trained_on, language)
    by_flavour: dict[str, Figures] = {flavour: {} for flavour in flavours}
    for (flavour, beam), of_run in zip(runs, scored, strict=True):
        by_flavour[flavour][f"beam_{beam}"] = of_run | _of_language(runs[flavour, beam], references, language)
    people = diversity_of([written[0] for written in references], trained_on, language)
    if language == "en":
        people |= flaw_rates_of_people(references)
    figures = {"language": language, "backend": backend, "photos": len(photos)}
    return {**figures, "flavours": by_flavour, "people": people}


def _of_language(said: Sequence[str], references: Sequence[Sequence[str]], language: str) -> Figures:
    """Return what is only told of some: flaw rates of English, scores on characters where words have no spaces."""
    if language == "en":
        return {**flaw_rates(said, references), "names_people": people_rates(said, references)}
    if LANGUAGES[language].joiner:
        return {}
    return {"characters": _rounded(Scorer(references, language, characters=True).all(said))}


def caption_files(captioner: Captioner, photos: Sequence[CaptionedPhoto], title: str) -> list[Caption]:
    """Caption photos as a device would."""
    return caption_all(captioner, (photo.file for photo in photos), len(photos), title)


def texts(captions: Sequence[Caption]) -> list[str]:
    """Return the sentences alone."""
    return [caption.text for caption in captions]


def score_runs(
    scorer: Scorer, runs: Sequence[Sequence[str]], trained_on: AbstractSet[Sentence], language: str
) -> list[Figures]:
    """Return each run's scores, the intervals of BLEU-4 and CIDEr, and diversity."""
    return [
        {
            **_rounded(scores),
            "interval_95": {
                "bleu_4": [round(limit, 4) for limit in bleu_interval(scorer.bleu_counts(said))],
                "cider": [round(limit, 4) for limit in mean_interval(scorer.cider_of_each(said))],
            },
            **diversity_of(said, trained_on, language),
        }
        for said, scores in zip(runs, scorer.all_of(runs), strict=True)
    ]


def training_sentences(captions: CaptionFile) -> set[Sentence]:
    """Return what the training split's people wrote, as words; empty where the file has no such split."""
    return set(_split(load_sentences(captions.path, "train"), captions.language))


def diversity_of(said: Sequence[str], trained_on: AbstractSet[Sentence], language: str) -> Figures:
    """Return the diversity of sentences, one a photo."""
    return _rounded(diversity(_split(said, language), trained_on))


def _split(sentences: Sequence[str], language: str) -> list[Sentence]:
    """Split as the vocabulary was: a model can't say punctuation or capitals."""
    return [tuple(LANGUAGES[language].split(sentence)) for sentence in sentences]


def _rounded(scores: dict[str, float]) -> Figures:
    return {name: round(value, 4) for name, value in scores.items()}
