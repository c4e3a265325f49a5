"""Memory that glibc would keep for later; other C libraries are left as they are."""

from __future__ import annotations

import ctypes
import logging
from typing import Any

log = logging.getLogger(__name__)

M_ARENA_MAX = -8
"""mallopt(3)."""

ARENAS = 2
"""glibc gives each thread its own otherwise, and each keeps the megabytes of a frame."""


def keep_small() -> None:
    """Let all threads share two heaps; before they start."""
    _call("mallopt", M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Give the system what is free now, such as what loading a model took on the way."""
    _call("malloc_trim", 0)


def _call(name: str, *arguments: int) -> None:
    try:
        function: Any = getattr(ctypes.CDLL(None), name)
        function(*arguments)
    except (AttributeError, OSError):
        log.debug("this C library has no %s", name)
