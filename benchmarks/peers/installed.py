"""Bytes that packages take when they are installed, with all that they bring."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import metadata

NAME = re.compile(r"[A-Za-z0-9._-]+")


def installed_bytes(packages: Iterable[str]) -> int:
    """Return the size of the packages' files, each package once.

    Raises:
        metadata.PackageNotFoundError: one of them is not installed.
    """
    return sum(_bytes_of(name) for name in _closure(packages))


def _closure(packages: Iterable[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(packages)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name not in found:
            found.add(name)
            waiting += _required(name)
    return found


def _required(name: str) -> list[str]:
    """Return what a package requires that is installed; extras and other systems' needs are not meant."""
    required = []
    for line in metadata.requires(name) or []:
        requirement, _, condition = line.partition(";")
        match = NAME.match(requirement)
        if match and "extra" not in condition and _is_installed(match[0]):
            required.append(match[0])
    return required


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _bytes_of(name: str) -> int:
    files = metadata.files(name) or []
    return sum(path.stat().st_size for file in files if (path := file.locate()).exists())  # type: ignore[attr-defined]
