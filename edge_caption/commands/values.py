"""What stands after an option, read as argparse's `type`."""

from __future__ import annotations

import argparse
import math
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


def rate(text: str) -> float:
    """Read a number above 0."""
    if not 0 < (number := _number(text)) < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return number


def share(text: str) -> float:
    """Read a number from 0 to 1."""
    if not 0 <= (number := _number(text)) <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return number


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
