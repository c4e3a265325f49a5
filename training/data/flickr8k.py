"""Flickr8k's original files: `<photo>#<n><TAB><caption>` lines beside lists of each split's photos."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from training.data.captioned_photos import Row, read_text
from training.errors import DataError

SPLITS = ("train", "dev", "test")


def rows(token_file: Path) -> Iterator[Row]:
    """Read the sentences; splits come from the `*_8k.<split>Images.txt` lists in the same folder.

    Photos on no list are left out, as Flickr8k means it; without any list each photo is hashed to a split.

    Raises:
        DataError: a line has not the form of the format, or two lists name one photo.
    """
    splits = _read_splits(token_file.parent)
    for number, line in enumerate(read_text(token_file).split("\n"), 1):
        if not line.strip():
            continue
        where = f"{token_file}, line {number}"
        key, tab, caption = line.partition("\t")
        photo, sign, index = key.rpartition("#")
        if not (tab and sign and photo and index.isdigit()):
            raise DataError(f"{where}: expected <photo>#<number><TAB><caption>, found {line[:60]!r}; mend the line")
        yield Row(photo, caption, where, splits.get(photo, "none") if splits else None)


def _read_splits(folder: Path) -> dict[str, str]:
    """Return photo -> split from whichever lists are there; they have a name a line."""
    splits: dict[str, str] = {}
    for split in SPLITS:
        for file in folder.glob(f"*.{split}Images.txt"):
            for photo in filter(None, map(str.strip, read_text(file).split("\n"))):
                if splits.setdefault(photo, split) != split:
                    raise DataError(f"{file}: {photo} is in {splits[photo]}, too; take it off one list")
    return splits
