"""Whether a file that torch wrote is as it was written."""

from __future__ import annotations

import zipfile
from pathlib import Path


def check_whole(file: Path) -> None:
    """Compare each part of the file with its checksum (CRC-32). Torch writes them, but reads altered numbers.

    Raises:
        OSError: it can't be read.
        BadZipFile: it is cut short or altered.
    """
    with zipfile.ZipFile(file) as archive:
        if altered := archive.testzip():
            raise zipfile.BadZipFile(f"{altered} is altered")
