"""Caption files of any known format -> one split's photos."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.data import flickr8k, json_formats, table
from training.data.photos import CaptionedPhoto, DataError, Row, gather, split_of
from training.languages import LANGUAGES

CODE = re.compile("[a-z]{2}")
"""An ISO 639-1 code; what else stands before a = belongs to a file's name."""


@dataclass(frozen=True)
class CaptionFile:
    """A caption file and the language that it is written in."""

    path: Path
    language: str = "en"


CAPTIONS_HELP = ".token.txt (Flickr8k), .json (COCO, Karpathy) or .csv; LANGUAGE=FILE if not English, as in zh=FILE"


def caption_file(text: str) -> CaptionFile:
    """Read FILE or LANGUAGE=FILE, as argparse's `type`."""
    language, sign, path = text.partition("=")
    if not sign or not CODE.fullmatch(language):
        return CaptionFile(Path(text))
    if language not in LANGUAGES:
        raise argparse.ArgumentTypeError(f"there is no language {language!r}; choose one of: {', '.join(LANGUAGES)}")
    return CaptionFile(Path(path), language)


def load_all(files: Sequence[CaptionFile], photos: Path, split: str) -> list[CaptionedPhoto]:
    """Read one split of several files, one after another: a photo with sentences in two of them comes twice.

    Raises:
        DataError: naming the file and line that is wrong.
    """
    return [photo for file in files for photo in load(file.path, photos, split, file.language)]


def load(captions: Path, photos: Path, split: str, language: str = "en") -> list[CaptionedPhoto]:
    """Read one split.

    Args:
        captions: `*.token.txt` (Flickr8k), `*.json` (COCO or Karpathy) or `*.csv`.
        photos: the folder that the file names are relative to.
        split: train, dev or test.
        language: that the sentences are in, one of training.languages.LANGUAGES.

    Raises:
        DataError: naming the file and line that is wrong.
    """
    if not photos.is_dir():
        raise DataError(f"there is no folder {photos}; give the one that holds the photos")
    return gather(_rows(captions), photos, split, language)


def load_sentences(captions: Path, split: str) -> list[str]:
    """Read one split's sentences alone, whether its photos are here or not; none where the file lacks the split.

    Raises:
        DataError: naming the file and line that is wrong.
    """
    return [row.caption for row in _rows(captions) if (row.split or split_of(row.photo)) == split]


def _rows(captions: Path) -> Iterator[Row]:
    match captions.suffix.lower():
        case ".txt":
            return flickr8k.rows(captions)
        case ".json":
            return json_formats.rows(captions)
        case ".csv":
            return table.rows(captions)
    raise DataError(f"{captions} is of no known format; give a .txt (Flickr8k), .json (COCO, Karpathy) or .csv file")
