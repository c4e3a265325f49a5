"""What stands after an option, read as argparse's `type`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from edge_caption.errors import ConfigError

T = TypeVar("T")


def checked(read: Callable[[str], T]) -> Callable[[str], T]:
    """Turn a reader of settings into one of options: what is wrong on the command line is wrong usage."""

    def value(text: str) -> T:
        try:
            return read(text)
        except ConfigError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return value


def path(text: str) -> Path:
    """Read a path; the shell leaves the `~` of `--config=~/…` to us."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise argparse.ArgumentTypeError(f"{text!r} is in no known home folder; write the whole path") from None


def name(what: str) -> Callable[[str], str]:
    """Return a reader of one level of a topic."""
    from edge_caption.mqtt.topics import check_name

    return checked(lambda text: check_name(text, what))
