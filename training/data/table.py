"""The `image,caption` CSV that people have, with an optional `split` column."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from training.data.flickr8k import SPLITS
from training.data.photos import DataError, Row, read_text


def rows(file: Path) -> Iterator[Row]:
    """Read the rows below the header.

    Raises:
        DataError: the header or a row has not the form of the format.
    """
    records = csv.reader(io.StringIO(read_text(file)), strict=True)
    line = 1
    try:
        header = next(records, [])
        if not {"image", "caption"} <= set(header):
            raise DataError(f"{file}, line 1: the header must name the columns image and caption")
        line = records.line_num + 1
        for fields in records:
            if fields:
                yield _row(header, fields, f"{file}, line {line}")
            line = records.line_num + 1
    except csv.Error as error:
        raise DataError(f"{file}, line {line}: {error}; mend the line") from error


def _row(header: Sequence[str], fields: Sequence[str], where: str) -> Row:
    record = dict(zip(header, fields, strict=False))
    if len(fields) != len(header) or not record["image"]:
        raise DataError(f"{where}: expected as many fields as the header has; quote captions that hold commas")
    split = record.get("split") or None
    if split not in (None, *SPLITS):
        raise DataError(f"{where}: unknown split {split!r}; use {', '.join(SPLITS)}")
    return Row(record["image"], record["caption"], where, split)
