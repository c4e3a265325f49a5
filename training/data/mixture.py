"""A mixture of sources -> train and dev photos, each with all that its sources wrote of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from training.data.captioned_photos import CaptionedPhoto
from training.data.load import CaptionFile, check_splits, read_split
from training.errors import DataError
from training.sources import Source


def load_mixture(sources: Sequence[Source], folder: Path) -> tuple[list[CaptionedPhoto], list[CaptionedPhoto]]:
    """Read train and dev of all sources. Dev holds sentences that people wrote, and nothing else.

    Args:
        folder: what the sources' paths are relative to.

    Raises:
        DataError: naming the file and line that is wrong, or the split that nothing is in.
    """
    train = merge(photo for source in sources for photo in _read(source, folder, "train"))
    dev = load_by_people(sources, folder, "dev")
    for split, photos in (("train", train), ("dev", dev)):
        if not photos:
            raise DataError(f"no source names a photo of the {split} split; add a source with some, written by people")
    check_splits(train, dev)
    return train, dev


def load_by_people(sources: Sequence[Source], folder: Path, split: str) -> list[CaptionedPhoto]:
    """Read what people wrote of one split's photos, which may be nothing.

    Raises:
        DataError: naming the file and line that is wrong.
    """
    by_people = [source for source in sources if source.written_by == "people"]
    return merge(photo for source in by_people for photo in _read(source, folder, split))


def _read(source: Source, folder: Path, split: str) -> list[CaptionedPhoto]:
    own = source.dev_captions is not None
    file = source.dev_captions if source.dev_captions and split == "dev" else source.captions
    captions = CaptionFile(folder / file, source.language, source)
    return read_split(captions, folder / source.photos, split, own_file=own)


def merge(photos: Iterable[CaptionedPhoto]) -> list[CaptionedPhoto]:
    """Make one of all that is written of a photo in one language, in the order in which photos first appear."""
    found: dict[tuple[Path, str], CaptionedPhoto] = {}
    for photo in photos:
        key = (photo.file, photo.language)
        found[key] = found[key].beside(photo) if key in found else photo
    return list(found.values())


def made_from(sources: Sequence[Source], train: Sequence[CaptionedPhoto]) -> list[dict[str, object]]:
    """Say for the model card what each source brought: name, language, who wrote, terms, photos and captions."""
    photos = {source.name: 0 for source in sources}
    captions = dict(photos)
    for photo in train:
        for source, count in Counter(photo.sources).items():
            photos[source.name] += 1
            captions[source.name] += count
    return [
        {
            "name": source.name,
            "language": source.language,
            "written_by": source.written_by,
            "terms": source.terms,
            "photos": photos[source.name],
            "captions": captions[source.name],
        }
        for source in sources
    ]
