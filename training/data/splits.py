"""What a run learns from and is scored on: the splits train and dev."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.data.captioned_photos import CaptionedPhoto
from training.data.mixture import load_mixture
from training.sources import Source


@dataclass(frozen=True)
class Data:
    """What a run learns from and is scored on."""

    train: Sequence[CaptionedPhoto]
    dev: Sequence[CaptionedPhoto]
    name: str
    terms: str
    sources: Sequence[Source] = ()
    """Of a mixture."""

    @property
    def splits(self) -> dict[str, Sequence[CaptionedPhoto]]:
        return {"train": self.train, "dev": self.dev}


def mixed(sources: Sequence[Source], folder: Path) -> Data:
    """Read a mixture, whose paths are relative to `folder`.

    Raises:
        DataError: naming the file and line that is wrong.
    """
    terms = "; ".join(f"{source.name}: {source.terms}" for source in sources)
    return Data(*load_mixture(sources, folder), ", ".join(source.name for source in sources), terms, sources)
