"""Where this program keeps what it writes, by the XDG base directory specification."""

from __future__ import annotations

import os
from pathlib import Path

from edge_caption.errors import ConfigError


def own_folder(variable: str, default: str, option: str | None = None) -> Path:
    """Return this program's folder below the one that a variable names, or below `default` in the home folder.

    Args:
        variable: of the specification.
        default: relative to the home folder.
        option: another way for the user to name a folder.

    Raises:
        ConfigError: the variable names none, and the user has no home folder.
    """
    base = Path(os.environ.get(variable, ""))
    # The specification: a relative path is invalid and must be ignored.
    if base.is_absolute():
        return base / "edge-caption"
    try:
        return Path.home() / default / "edge-caption"
    except RuntimeError:
        instead = f"set {variable}" + (f" or give {option}" if option else "")
        raise ConfigError(f"this user has no home folder to keep files in; {instead}") from None
