"""Proof that INT8 says as good sentences as fp32: the caption metric on photos that nothing was fitted to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_caption.model.caption import Caption
from edge_caption.model.captioner import Captioner
from export.errors import ExportError
from export.flavours import REFERENCE
from export.strange import strange_pictures
from training.data.captioned_photos import CaptionedPhoto
from training.scoring.people import people_rates
from training.scoring.scores import Scorer, parts_of

Score = Callable[[Sequence[str]], Mapping[str, float]]
"""Sentences -> figures, `cider` among them; training.scoring.scores.Scorer(...).all is one."""

Progress = Callable[[Iterable[Path], str], Iterable[Path]]

BLAMED = 3
"""How many convolutions a refusal names."""

Quality = dict[str, dict[str, Any]]
"""Flavour -> figure -> value."""


@dataclass(frozen=True)
class Prover:
    """A bundle in front of dev photos."""

    bundle: Path
    dev: Mapping[str, Sequence[CaptionedPhoto]]
    """Language -> photos with sentences in it."""
    scores: Mapping[str, Score]
    """Language -> what scores sentences about them."""
    progress: Progress

    def caption(
        self, flavour: str, language: str, beam: int = 1, photos: Sequence[CaptionedPhoto] | None = None
    ) -> list[Caption]:
        """Caption photos, dev's of the language if None, as a device does."""
        captioner = Captioner(self.bundle, flavour=flavour, beam=beam, language=language)
        files = [photo.file for photo in (self.dev[language] if photos is None else photos)]
        return [captioner.caption(file) for file in self.progress(files, f"{language}: {flavour}, beam {beam}")]

    def caption_strange(self, flavour: str, language: str, beam: int, count: int) -> list[Caption]:
        """Caption pictures of no kind that a captioner knows."""
        captioner = Captioner(self.bundle, flavour=flavour, beam=beam, language=language)
        files = [photo.file for photo in self.dev[language]]
        return [captioner.caption(picture) for picture in strange_pictures(files, count)]

    def measure(self, said: Mapping[str, Sequence[Caption]], language: str) -> Quality:
        """Score what each flavour, REFERENCE among them, said of the photos of a language."""
        sentences = {flavour: [caption.text for caption in captions] for flavour, captions in said.items()}
        score = self.scores[language]
        return {
            flavour: {**_figures(of, sentences[REFERENCE], score), **set_figures(of, self.dev[language])}
            for flavour, of in sentences.items()
        }


def set_figures(said: Sequence[str], photos: Sequence[CaptionedPhoto]) -> dict[str, Any]:
    """Return, for each set of photos that a language has, CIDEr and whether people are named where they are.

    A set is what one source of the dev photos gives; CIDEr weighs words by that set's own references.
    """
    figures: dict[str, dict[str, Any]] = {}
    parts = parts_of(photos)
    for name, (language, places) in parts.items():
        sentences, references = [said[at] for at in places], [photos[at].captions for at in places]
        figures[name] = {"photos": len(places)}
        if len(parts) > 1:
            figures[name]["cider"] = round(Scorer(references, language).cider(sentences), 4)
        if language == "en":
            figures[name]["people"] = people_rates(sentences, references)
    return {"sets": figures}


def _figures(sentences: Sequence[str], reference: Sequence[str], score: Score) -> dict[str, Any]:
    same = sum(one == other for one, other in zip(sentences, reference, strict=True))
    figures = {name: round(value, 4) for name, value in score(sentences).items()}
    return {**figures, "same_as_fp32": round(same / len(sentences), 4), "photos": len(sentences)}


def cider_lost(quality: Quality, flavour: str) -> float:
    """Return by how much a flavour's CIDEr is lower than fp32's."""
    return float(round(quality[REFERENCE]["cider"] - quality[flavour]["cider"], 4))


def gate(quality: Quality, limit: float, blame: Callable[[str], Sequence[str]]) -> None:
    """Refuse flavours that lost too much.

    Args:
        blame: flavour -> its convolutions, the one whose rounding adds most noise first.

    Raises:
        ExportError: one lost more CIDEr than `limit`, saying which, how much, and where.
    """
    for flavour in quality:
        if flavour != REFERENCE and (lost := cider_lost(quality, flavour)) > limit:
            raise ExportError(
                f"{flavour} loses {lost:.4f} CIDEr against fp32 ({quality[REFERENCE]['cider']:.4f} -> "
                f"{quality[flavour]['cider']:.4f}), more than the {limit:g} that --gate allows; try another --method, "
                f"more --calibration-photos, or --keep-float {','.join(blame(flavour)[:BLAMED])}, the convolutions "
                "whose rounding adds most noise (python -m export.sensitivity measures what each one costs)"
            )
