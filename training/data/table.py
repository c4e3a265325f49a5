"""The `image,caption` CSV that people have, with an optional `split` column."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from training.data.flickr8k import SPLITS
from training.data.photos import DataError, Row, read_text


def rows(file: Path) -> Iterator[Row]:
    """Read the rows below the header.

    Raises:
        DataError: the header or a row has not the form of the format.
    """
    reader = csv.DictReader(read_text(file).splitlines(keepends=True), strict=True)
    try:
        if not {"image", "caption"} <= set(reader.fieldnames or ()):
            raise DataError(f"{file}, line 1: the header must name the columns image and caption")
        for record in reader:
            yield _row(record, f"{file}, line {reader.line_num}")
    except csv.Error as error:
        raise DataError(f"{file}, line {reader.line_num}: {error}; mend the line") from error


def _row(record: dict[str, str], where: str) -> Row:
    if None in record or None in record.values() or not record["image"]:
        raise DataError(f"{where}: expected as many fields as the header has; quote captions that hold commas")
    split = record.get("split") or None
    if split not in (None, *SPLITS):
        raise DataError(f"{where}: unknown split {split!r}; use {', '.join(SPLITS)}")
    return Row(record["image"], record["caption"], where, split)
