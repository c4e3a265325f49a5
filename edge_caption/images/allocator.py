"""What the C library does with memory that pictures and models have used; one without such calls is left alone."""

from __future__ import annotations

import ctypes
from typing import Any

TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8
"""Parameters of glibc's mallopt(3)."""

LARGE = 4 * 2**20
"""Bytes. Blocks from here on are mapped, and go back to the system once they are freed."""

KEPT = 8 * 2**20
"""Bytes that each thread's heap keeps at its end for the next picture."""

LARGEST, KEPT_FOR_FRAMES = 32 * 2**20, 16 * 2**20
"""Bytes: the same in a process that takes frame after frame. glibc allows no larger block in a heap."""

ARENAS = 2
"""glibc gives each thread its own otherwise, and each keeps the megabytes of a frame."""


def give_back_large_blocks() -> None:
    """Let a process that decodes strangers' pictures return to its size after a large one.

    Left to itself, glibc takes the largest block that was ever freed (up to 32 MiB) as the new limit between heap and
    mapping, and keeps twice as much at the end of each thread's heap: a few files that claim to be huge made a server
    grow by 67 MB for ever.
    """
    _call("mallopt", MMAP_THRESHOLD, LARGE)
    _call("mallopt", TRIM_THRESHOLD, KEPT)


def reuse_frames() -> None:
    """Let each frame take the memory of the one before, in two heaps that all threads share; before they start.

    Left to itself, glibc gives a frame's memory back with the frame. To get it again, zeroed page by page, cost a
    caption of a 1280x720 camera 2,400 page faults, a fifth of its processor time.
    """
    _call("mallopt", ARENA_MAX, ARENAS)
    _call("mallopt", MMAP_THRESHOLD, LARGEST)
    _call("mallopt", TRIM_THRESHOLD, KEPT_FOR_FRAMES)


def give_back_freed() -> None:
    """Give the system what is free now, such as what loading a model took on the way."""
    _call("malloc_trim", 0)


def _call(name: str, *arguments: int) -> None:
    function: Any = getattr(ctypes.CDLL(None), name, None)
    if function:
        function(*arguments)
