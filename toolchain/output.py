"""Where results go: looked at before the long work, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_caption.errors import ConfigError
from edge_caption.files import write_whole


def check_file(out: Path) -> None:
    """Find out whether a file can be written.

    Raises:
        ConfigError: it can't, or something else is there.
    """
    with refusing(out):
        if out.exists() and not out.is_file():
            raise ConfigError(f"{out} is no file; give --out a file's name")
        tempfile.TemporaryDirectory(dir=out.parent).cleanup()


def write_file(data: bytes, out: Path) -> None:
    """Write a file.

    Raises:
        ConfigError: it can't be written.
    """
    with refusing(out):
        write_whole(out, data)


def check_folder(out: Path) -> None:
    """Find out whether a folder, there or yet to be made, can be written to.

    Raises:
        ConfigError: it can't.
    """
    with refusing(out):
        there = next(folder for folder in (out, *out.parents) if os.path.lexists(folder))
        tempfile.TemporaryDirectory(dir=there).cleanup()


@contextmanager
def refusing(out: Path) -> Iterator[None]:
    """Say what the disk refuses in a sentence.

    Raises:
        ConfigError: it refused something.
    """
    try:
        yield
    except OSError as error:
        raise ConfigError(f"{out} can't be written ({error.strerror}); choose another --out") from error
