"""The `image,caption` CSV that people have, with an optional `split` column."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from training.data.captioned_photos import Row, read_text
from training.data.flickr8k import SPLITS
from training.errors import DataError

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
"""What programs write between fields; Excel's choice depends on the country that it is set to."""

FOR_EXCEL = re.compile('"?sep=.?"?', re.IGNORECASE)
"""A line before the header that tells Excel the delimiter."""


def rows(file: Path) -> Iterator[Row]:
    """Read the rows below the header.

    Raises:
        DataError: the header or a row has not the form of the format.
    """
    lines = read_text(file).split("\n")
    start = 1 if FOR_EXCEL.fullmatch(lines[0]) else 0
    header, delimiter = _read_header(lines[start] if lines[start:] else "", f"{file}, line {start + 1}")
    start = line = start + 1
    records = csv.reader(
        (f"{line}\n" for line in lines[start:]), strict=True, delimiter=delimiter, skipinitialspace=True
    )
    try:
        for fields in records:
            if any(fields):
                yield _row(header, fields, f"{file}, line {line + 1}", DELIMITERS[delimiter])
            line = start + records.line_num
    except csv.Error as error:
        raise DataError(f"{file}, line {line + 1}: {error}; mend the line") from error


def _read_header(line: str, where: str) -> tuple[list[str], str]:
    """Return the columns' names and the delimiter between them, which is the one that makes sense of the header."""
    for delimiter in DELIMITERS:
        names = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
        header = [name.strip().lower() for name in names]
        if {"image", "caption"} <= set(header):
            return header, delimiter
    raise DataError(
        f"{where}: the header must name the columns image and caption, with commas, semicolons or tabs between them; "
        f"it is {line[:60]!r}"
    )


def _row(header: Sequence[str], fields: Sequence[str], where: str, delimiters: str) -> Row:
    record = dict(zip(header, fields, strict=False))
    if len(fields) != len(header) or not record["image"]:
        raise DataError(f"{where}: expected as many fields as the header has; quote captions that hold {delimiters}")
    split = record.get("split", "").strip().lower() or None
    if split not in (None, *SPLITS):
        raise DataError(f"{where}: unknown split {split!r}; use {', '.join(SPLITS)}")
    return Row(record["image"].strip(), record["caption"], where, split)
