"""What the C library does with memory that a large picture has used."""

from __future__ import annotations

import ctypes

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's mallopt(3)."""

LARGE = 4 * 2**20
"""Bytes. Blocks from here on are mapped, and go back to the system once they are freed."""

KEPT = 8 * 2**20
"""Bytes that each thread's heap keeps at its end for the next picture."""


def give_back_large_blocks() -> None:
    """Let a process that decodes strangers' pictures return to its size after a large one.

    Left to itself, glibc takes the largest block that was ever freed (up to 32 MiB) as the new limit between heap and
    mapping, and keeps twice as much at the end of each thread's heap: a few files that claim to be huge made a server
    grow by 67 MB for ever. A C library without mallopt is left as it is.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(MMAP_THRESHOLD, LARGE)
        mallopt(TRIM_THRESHOLD, KEPT)
