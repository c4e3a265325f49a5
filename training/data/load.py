"""A caption file of any known format -> one split's photos."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from training.data import flickr8k, json_formats, table
from training.data.photos import CaptionedPhoto, DataError, Row, gather, split_of


def load(captions: Path, photos: Path, split: str) -> list[CaptionedPhoto]:
    """Read one split.

    Args:
        captions: `*.token.txt` (Flickr8k), `*.json` (COCO or Karpathy) or `*.csv`.
        photos: the folder that the file names are relative to.
        split: train, dev or test.

    Raises:
        DataError: naming the file and line that is wrong.
    """
    if not photos.is_dir():
        raise DataError(f"there is no folder {photos}; give the one that holds the photos")
    return gather(_rows(captions), photos, split)


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
