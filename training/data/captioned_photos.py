"""A photo with its sentences, gathered from the rows of a data set."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from edge_caption import text
from training.errors import DataError
from training.sources import Source

SHARE = 10
"""One photo in so many goes to dev, and one to test, where a data set brings no split of its own."""

ANY_SPLIT = "any"
"""Of rows in a file that is a split of its own, as COCO's are: whichever is asked for."""


@dataclass(frozen=True)
class CaptionedPhoto:
    """A photo and the sentences that were written of it, in one language."""

    file: Path
    captions: tuple[str, ...]
    language: str = "en"
    """One of training.languages.LANGUAGES."""
    sources: tuple[Source, ...] = ()
    """Each sentence's; or none, which is one source of people's sentences."""

    @property
    def weight(self) -> float:
        """How often the photo comes in an epoch: as often as the source that shows it most has it."""
        return max((source.weight for source in self.sources), default=1.0)

    @property
    def trusts(self) -> list[float]:
        """Each sentence's weight in the loss."""
        return [source.trust for source in self.sources] or [1.0] * len(self.captions)

    @property
    def origin(self) -> str:
        """The name of the source that it is first in."""
        return self.sources[0].name if self.sources else ""

    def by_people(self) -> CaptionedPhoto:
        """Return it with people's sentences alone, or as it is where people wrote none."""
        pairs = zip(self.captions, self.sources, strict=False)
        kept = [(caption, source) for caption, source in pairs if source.written_by == "people"]
        if not kept:
            return self
        captions, sources = zip(*kept, strict=True)
        return replace(self, captions=captions, sources=sources)

    def beside(self, other: CaptionedPhoto) -> CaptionedPhoto:
        """Return it with the sentences of another source, too."""
        return replace(self, captions=self.captions + other.captions, sources=self.sources + other.sources)


def files_of(photos: Iterable[CaptionedPhoto]) -> list[Path]:
    """Return each file once: a photo with sentences in two languages comes twice."""
    return list(dict.fromkeys(photo.file for photo in photos))


@dataclass(frozen=True)
class Row:
    """One sentence of one photo, as a caption file gives it."""

    photo: str
    caption: str
    where: str
    """File and line or entry, for messages."""

    split: str | None = None
    """train, dev or test, where the data set says; or ANY_SPLIT."""


def gather(rows: Iterable[Row], photos: Path, language: str, source: Source | None = None) -> list[CaptionedPhoto]:
    """Collect rows by photo, in the order in which photos first appear.

    Raises:
        DataError: a photo is missing on disk, or a sentence has no word.
    """
    captions: dict[str, list[str]] = {}
    for row in rows:
        if not text.WORD.search(row.caption):
            what = "has no word" if row.caption.strip() else "is empty"
            raise DataError(f"{row.where}: the caption of {row.photo} {what}; write one or remove the line")
        if row.photo not in captions and not _is_file(photos / row.photo):
            raise DataError(f"{row.where}: there is no photo {photos / row.photo}; add it or remove the line")
        captions.setdefault(row.photo, []).append(row.caption.strip())
    return [
        CaptionedPhoto(photos / name, tuple(texts), language, (source,) * len(texts) if source else ())
        for name, texts in captions.items()
    ]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # no file system would take so long a name
        return False


def split_of(photo: str) -> str:
    """Return train, dev or test by a hash of the name: the same on every machine and run."""
    drawn = int(hashlib.sha256(photo.encode()).hexdigest(), 16) % SHARE
    return {0: "dev", 1: "test"}.get(drawn, "train")


def read_text(file: Path) -> str:
    """Read a caption file.

    Raises:
        DataError: it can't be read or is not UTF-8.
    """
    try:
        return text.read_text(file)
    except OSError as error:
        raise DataError(f"{file} can't be read ({error.strerror}); check the path") from error
    except UnicodeError as error:
        raise DataError(f"{file} {error}") from error
