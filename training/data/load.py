"""Caption files of any known format -> one split's photos."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.data import flickr8k, json_formats, table
from training.data.captioned_photos import ANY_SPLIT, CaptionedPhoto, Row, files_of, gather, split_of
from training.errors import DataError
from training.languages import LANGUAGES
from training.sources import Source

CODE = re.compile("[a-z]{2}")
"""An ISO 639-1 code; what else stands before a = belongs to a file's name."""


@dataclass(frozen=True)
class CaptionFile:
    """A caption file and the language that it is written in."""

    path: Path
    language: str = "en"
    source: Source | None = None
    """Of the mixture that it is a part of."""


CAPTIONS_HELP = (
    ".token.txt (Flickr8k), .json (COCO, Karpathy), .csv or .tsv; LANGUAGE=FILE if not English, as in zh=FILE"
)


def caption_file(text: str) -> CaptionFile:
    """Read FILE or LANGUAGE=FILE, as argparse's `type`."""
    language, sign, path = text.partition("=")
    if not sign or not CODE.fullmatch(language):
        return CaptionFile(Path(text))
    if language not in LANGUAGES:
        raise argparse.ArgumentTypeError(f"there is no language {language!r}; choose one of: {', '.join(LANGUAGES)}")
    return CaptionFile(Path(path), language)


def load_splits(
    captions: Sequence[CaptionFile], dev_captions: Sequence[CaptionFile] | None, photos: Path
) -> tuple[list[CaptionedPhoto], list[CaptionedPhoto]]:
    """Read train and dev, which share no photo and speak the same languages.

    Args:
        captions: of both, or of train where dev has files of its own.
        dev_captions: those files.
        photos: the folder of both.

    Raises:
        DataError: naming the file and line that is wrong, or what train and dev differ or agree in.
    """
    own = dev_captions is not None
    train = load_all(captions, photos, "train", own_files=own)
    dev = load_all(dev_captions or captions, photos, "dev", own_files=own)
    check_splits(train, dev)
    return train, dev


def check_splits(train: Sequence[CaptionedPhoto], dev: Sequence[CaptionedPhoto]) -> None:
    """Make sure that train and dev share no photo and speak the same languages.

    Raises:
        DataError: naming a photo of both, or the language that one lacks.
    """
    if both := set(files_of(train)) & set(files_of(dev)):
        raise DataError(
            f"{min(both)} is in train and in dev ({len(both)} photos are); take it out of one, "
            "and where a file is a split, give dev's with --dev-captions"
        )
    if different := {photo.language for photo in train} ^ {photo.language for photo in dev}:
        raise DataError(f"train or dev has no sentences in {' and '.join(sorted(different))}; give both or neither")


def load_all(
    files: Sequence[CaptionFile], photos: Path, split: str, *, own_files: bool = False
) -> list[CaptionedPhoto]:
    """Read one split of several files, one after another: a photo with sentences in two of them comes twice.

    Args:
        own_files: the split has files of its own, so that what they hold is of it unless they say otherwise.

    Raises:
        DataError: naming the file and line that is wrong.
    """
    return [photo for file in files for photo in load(file.path, photos, split, file.language, own_file=own_files)]


def load(
    captions: Path, photos: Path, split: str, language: str = "en", *, own_file: bool = False
) -> list[CaptionedPhoto]:
    """Read one split.

    Args:
        captions: `*.token.txt` (Flickr8k), `*.json` (COCO or Karpathy), `*.csv` or `*.tsv`.
        photos: the folder that the file names are relative to.
        split: train, dev or test.
        language: that the sentences are in, one of training.languages.LANGUAGES.
        own_file: the split has a file of its own, so that what it holds is of it unless it says otherwise.

    Raises:
        DataError: naming the file and line that is wrong.
    """
    found = read_split(CaptionFile(captions, language), photos, split, own_file=own_file)
    if not found:
        raise DataError(
            f"{captions} names no photo of the {split} split; add some, and say which they are "
            "(in a CSV by a column `split`), for else chance chooses one photo in ten for dev and one for test"
        )
    return found


def read_split(captions: CaptionFile, photos: Path, split: str, *, own_file: bool) -> list[CaptionedPhoto]:
    """Read one split as `load` does, of which there may be nothing.

    Raises:
        DataError: naming the file and line that is wrong.
    """
    if not photos.is_dir():
        raise DataError(f"there is no folder {photos}; give the one that holds the photos")
    unsaid = ANY_SPLIT if own_file else None
    rows = (row for row in _rows(captions.path) if _split(row, unsaid) in (split, ANY_SPLIT))
    return gather(rows, photos, captions.language, captions.source)


def load_sentences(captions: Path, split: str) -> list[str]:
    """Read one split's sentences alone, whether its photos are here or not; none where the file lacks the split.

    Raises:
        DataError: naming the file and line that is wrong.
    """
    return [row.caption for row in _rows(captions) if _split(row) == split]


def _split(row: Row, unsaid: str | None = None) -> str:
    return row.split or unsaid or split_of(row.photo)


def _rows(captions: Path) -> Iterator[Row]:
    match captions.suffix.lower():
        case ".txt":
            return flickr8k.rows(captions)
        case ".json":
            return json_formats.rows(captions)
        case ".csv" | ".tsv":
            return table.rows(captions)
    raise DataError(
        f"{captions} is of no known format; give a .txt (Flickr8k), .json (COCO, Karpathy), .csv or .tsv file"
    )
