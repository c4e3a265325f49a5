"""The C library's allocator, told to keep what a training step frees for the next one.

Else it hands megabytes back to the system and asks for them again at each layer of each step, and the system fills
them with zeros each time: a third of an encoder's step on a CPU.
"""

from __future__ import annotations

import ctypes

TRIM_THRESHOLD, TOP_PAD, MMAP_MAX = -1, -2, -4
"""glibc's malloc.h: free memory at the end that is kept, what is asked for beyond need, mappings of their own."""


def keep_freed_memory() -> None:
    """Do so where the C library is glibc; others are left as they are."""
    adjust = getattr(ctypes.CDLL(None), "mallopt", None)
    if adjust is not None:
        for setting, value in ((MMAP_MAX, 0), (TRIM_THRESHOLD, 2**31 - 1), (TOP_PAD, 2**28)):
            adjust(setting, value)
