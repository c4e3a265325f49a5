"""Caption quality of a bundle as it runs on a device: the coco-caption scores of a split, greedy and beam 3."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.progress import track

from edge_caption.captioner import Captioner
from training.data.load import load
from training.data.photos import CaptionedPhoto
from training.nonsense import nonsense, of_people
from training.scores import Scorer


def measure(
    bundle: Path | None, flavours: Sequence[str], beams: Sequence[int], captions: Path, photos: Path, split: str
) -> dict[str, Any]:
    """Caption every photo of the split with each flavour and beam."""
    captioned = load(captions, photos, split)
    scorer = Scorer([photo.captions for photo in captioned])
    figures = {
        flavour: {f"beam_{beam}": _score(bundle, flavour, beam, captioned, scorer) for beam in beams}
        for flavour in flavours
    }
    people = of_people([photo.captions for photo in captioned])
    return {"split": split, "photos": len(captioned), "flavours": figures, "people": people}


def _score(
    bundle: Path | None, flavour: str, beam: int, photos: Sequence[CaptionedPhoto], scorer: Scorer
) -> dict[str, float]:
    captioner = Captioner(bundle, flavour=flavour, beam=beam)
    said = [captioner.caption(photo.file).text for photo in track(photos, f"{flavour}, beam {beam}", transient=True)]
    figures = {name: round(value, 4) for name, value in scorer.all(said).items()}
    words = [text.split() for text in said]
    figures["mean_words"] = round(sum(map(len, words)) / len(words), 2)
    figures["distinct_sentences"] = round(len(set(said)) / len(said), 4)
    figures |= nonsense(said, [photo.captions for photo in photos])
    figures["words_used"] = len({word for sentence in words for word in sentence})
    return figures
