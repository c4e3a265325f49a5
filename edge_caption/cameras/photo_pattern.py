"""A pattern -> the paths that match it."""

from __future__ import annotations

import glob
from pathlib import Path


def match_photos(pattern: Path) -> list[Path]:
    """Match in the innermost folder that is there, whose own name is no pattern: `2026[1]/*.jpg`; `**` is any depth."""
    folder = next(parent for parent in pattern.parents if parent.is_dir())
    # Path.glob matches hidden files, too.
    names = glob.iglob(str(pattern.relative_to(folder)), root_dir=folder, recursive=True)  # noqa: PTH207
    return sorted({folder / name for name in names})
