"""What a run learns from and is scored on: the splits train and dev."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.data.captioned_photos import CaptionedPhoto
from training.data.mixture import load_mixture
from training.data.texts import held_out, load_texts
from training.sources import Source, Text


@dataclass(frozen=True)
class Data:
    """What a run learns from and is scored on."""

    train: Sequence[CaptionedPhoto]
    dev: Sequence[CaptionedPhoto]
    name: str
    terms: str
    sources: Sequence[Source] = ()
    """Of a mixture."""
    texts: Sequence[CaptionedPhoto] = ()
    """Sentences without photos."""

    @property
    def splits(self) -> dict[str, Sequence[CaptionedPhoto]]:
        return {"train": self.train, "dev": self.dev, **({"texts": self.texts} if self.texts else {})}


def mixed(sources: Sequence[Source], folder: Path, texts: Sequence[Text] = ()) -> Data:
    """Read a mixture, and sentences without photos, whose paths are relative to `folder`.

    Raises:
        DataError: naming the file and line that is wrong.
    """
    named = [*sources, *texts]
    terms = "; ".join(f"{source.name}: {source.terms}" for source in named)
    train, dev = load_mixture(sources, folder)
    name = ", ".join(source.name for source in named)
    return Data(train, dev, name, terms, sources, load_texts(texts, folder, held_out(sources, folder, dev)))
