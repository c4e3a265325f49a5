"""A picture file's bytes -> pixels, in no more memory than the pixels take."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

FILES_IN_MEMORY = hasattr(os, "memfd_create") and Path("/proc/self/fd").is_dir()
"""Whether this system has files that lie in memory, and names for them: Linux does."""


def decode(data: bytes, flags: int) -> NDArray[Any] | None:
    """Decode as `cv2.imdecode` does, which makes each picture twice: in OpenCV's memory, then in NumPy's.

    `cv2.imread` makes it once, but takes a file's name alone. So the bytes become a file in memory.

    Args:
        data: the file's bytes, not empty.
        flags: OpenCV's IMREAD_….

    Returns:
        The pixels; None where they are damaged.
    """
    try:
        file = os.memfd_create("photo") if FILES_IN_MEMORY else None
    except OSError:  # too many files are open, or it is forbidden
        file = None
    if file is None:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    with os.fdopen(file, "wb", buffering=0) as stream:
        stream.write(data)
        return cv2.imread(f"/proc/self/fd/{file}", None, flags)
