"""One self-contained HTML page: scores, their distributions, and photos with what was said, how surely, looking where.

It holds the photos themselves, so it may go no further than they may.
"""

from __future__ import annotations

import base64
import math
import random
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

import cv2
import jinja2
import numpy as np
from numpy.typing import NDArray

from benchmarks.charts import ciders, confidences, lengths
from benchmarks.diversity import Sentence
from benchmarks.quality import Figures, caption_files, diversity_of, score_runs, texts
from edge_caption.images.frame import Pixels
from edge_caption.images.photos import read_photo
from edge_caption.model.bundle import Manifest, open_bundle
from edge_caption.model.caption import Caption, Word
from edge_caption.model.captioner import Captioner
from training.data.captioned_photos import CaptionedPhoto
from training.scoring.scores import Scorer

BEAM = 3
"""Shown beside greedy."""

EXTREMES = 8
"""Best and worst photos shown."""

SEED = 1
"""Of the sample: the same photos each time."""

THUMBNAIL = 360
"""Longer side in pixels, at most."""

Photos = Sequence[CaptionedPhoto]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Card:
    """A photo on the page, captioned greedily."""

    file: str
    picture: str
    """data: address of a small JPEG."""
    text: str
    words: Sequence[Word]
    beam: str
    """What the beam search says."""
    references: Sequence[str]
    cider: float


@dataclass(frozen=True)
class Section:
    """Photos under one heading."""

    title: str
    note: str
    cards: Sequence[Card]


@dataclass(frozen=True)
class Evaluation:
    """What a bundle says of photos, and how good that is; P photos."""

    model: Manifest
    flavour: str
    photos: Photos
    greedy: Sequence[Caption]
    beam: Sequence[Caption]
    ciders: tuple[Floats, Floats]
    """Of each photo, greedy and beam; both of shape (P,)."""
    scores: Mapping[str, Figures]
    """Search -> what the benchmark `quality` prints of it."""
    people: Figures
    """Diversity of the first sentence that people wrote of each photo."""


def evaluate(bundle: Path | None, flavour: str | None, photos: Photos, trained_on: AbstractSet[Sentence]) -> Evaluation:
    """Caption and score photos, greedily and with a beam.

    Args:
        trained_on: what `quality.training_sentences` returns.

    Raises:
        ConfigError: Java is missing.
    """
    language = photos[0].language
    scorer = Scorer([photo.captions for photo in photos], language)
    captioners = [Captioner(bundle, flavour=flavour, beam=beam, language=language) for beam in (1, BEAM)]
    greedy, beam = (caption_files(one, photos, f"run {number} of 2") for number, one in enumerate(captioners, 1))
    first, second = score_runs(scorer, [texts(greedy), texts(beam)], trained_on, language)
    return Evaluation(
        model=open_bundle(bundle).manifest,
        flavour=captioners[0].model.flavour,
        photos=photos,
        greedy=greedy,
        beam=beam,
        ciders=(scorer.cider_of_each(texts(greedy)), scorer.cider_of_each(texts(beam))),
        scores={"greedy": first, f"beam {BEAM}": second},
        people=diversity_of([photo.captions[0] for photo in photos], trained_on, language),
    )


def render(found: Evaluation, split: str, shown: int) -> str:
    """Return the page.

    Args:
        split: what the photos are called.
        shown: how many of them to draw by chance, beside the best and the worst.
    """
    charts = [ciders(*found.ciders), lengths(found.greedy, found.photos), confidences(found.greedy, found.ciders[0])]
    template = _environment().get_template("gallery.html.jinja")
    return template.render(found=found, split=split, charts=charts, sections=_sections(found, shown))


def _sections(found: Evaluation, shown: int) -> list[Section]:
    count = len(found.photos)
    drawn = sorted(random.Random(SEED).sample(range(count), min(shown, count)))
    ranked = np.argsort(-found.ciders[0], kind="stable").tolist()
    extremes = min(EXTREMES, count // 2)
    parts = [
        ("A sample", "Drawn by chance, not chosen.", drawn),
        ("The best", "Highest CIDEr of all: closest to what people wrote.", ranked[:extremes]),
        ("The worst", "Lowest CIDEr of all: wrong, or right in other words.", ranked[count - extremes :][::-1]),
    ]
    return [Section(title, note, [_card(found, number) for number in numbers]) for title, note, numbers in parts]


def _card(found: Evaluation, number: int) -> Card:
    photo, said = found.photos[number], found.greedy[number]
    return Card(
        file=photo.file.name,
        picture=_data_address(read_photo(photo.file)),
        text=said.text,
        words=said.words,
        beam=found.beam[number].text,
        references=photo.captions,
        cider=float(found.ciders[0][number]),
    )


def _data_address(pixels: Pixels) -> str:
    height, width = pixels.shape[:2]
    scale = min(1.0, THUMBNAIL / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.cvtColor(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2BGR)
    _done, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 82])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()


def _environment() -> jinja2.Environment:
    # Sentences and file names are other people's text: all of it is escaped.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(heat=heat, exp=math.exp)
    return environment


def heat(word: Word) -> str:
    """Return where the captioner looked as two hexadecimal digits a region, row by row; ff is the strongest."""
    shades = np.rint(word.attention / word.attention.max() * 255).astype(np.uint8)
    return bytes(shades).hex()
