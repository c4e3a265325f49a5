"""Where this program keeps what it writes, by the XDG base directory specification."""

from __future__ import annotations

import os
from pathlib import Path


def own_folder(variable: str, default: str) -> Path:
    """Return this program's folder below the one that a variable names, or below `default` in the home folder."""
    base = Path(os.environ.get(variable, ""))
    # The specification: a relative path is invalid and must be ignored.
    root = base if base.is_absolute() else Path.home() / default
    return root / "edge-caption"
