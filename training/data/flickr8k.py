"""Flickr8k's original files: `<photo>#<n><TAB><caption>` lines beside lists of each split's photos."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from training.data.photos import DataError, Row, read_text

SPLITS = ("train", "dev", "test")


def rows(token_file: Path) -> Iterator[Row]:
    """Read the sentences; splits come from the `*_8k.<split>Images.txt` lists in the same folder.

    Photos on no list are left out, as Flickr8k means it; without any list each photo is hashed to a split.

    Raises:
        DataError: a line has not the form of the format.
    """
    splits = _read_splits(token_file.parent)
    for number, line in enumerate(read_text(token_file).splitlines(), 1):
        where = f"{token_file}, line {number}"
        key, tab, caption = line.partition("\t")
        photo, sign, index = key.rpartition("#")
        if not (tab and sign and photo and index.isdigit()):
            raise DataError(f"{where}: expected <photo>#<number><TAB><caption>, found {line[:60]!r}; mend the line")
        yield Row(photo, caption, where, splits.get(photo, "none") if splits else None)


def _read_splits(folder: Path) -> dict[str, str]:
    """Return photo -> split from whichever lists are there."""
    lists = [(split, file) for split in SPLITS for file in folder.glob(f"*.{split}Images.txt")]
    return {photo: split for split, file in lists for photo in read_text(file).split()}
