"""Standard output that not everything can be written to."""

from __future__ import annotations

import io
import os
import sys


def escape_unprintable() -> None:
    r"""Write what the terminal's encoding lacks, Chinese or a Latin-1 file's name, as `\u4e00`."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def discard_output() -> None:
    """Send standard output nowhere from now on; Python would complain once more when it flushes."""
    if sys.stdout:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
