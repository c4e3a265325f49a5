"""What every peer is made of. Without torch: a peer that runs without it is to be measured without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_caption.images.frame import Pixels

Say = Callable[[Pixels, int], object]
"""Caption a frame, (height, width, 3) RGB, in so many decoder steps."""


def nothing(_: Path) -> None:
    """Prepare nothing: the peer is built where it runs."""


@dataclass(frozen=True)
class Peer:
    """A captioner to compare with."""

    is_what: str
    load: Callable[[Path, int], Say]
    """Make it ready to run: its folder, threads; raises ImportError for a package that is not installed."""
    parameters: float
    """Millions."""
    packages: tuple[str, ...]
    """What it takes to run, with all that these bring."""
    prepare: Callable[[Path], None] = nothing
    """Write what it loads to its folder, in a process of its own; raises PeerError for what can't be made."""
    published: str = ""
    """Quality that others published, and where; not measured here."""
    bundle: Path | None = None
    """That of this project which it is."""


class PeerError(Exception):
    """This peer can't be made here; says why in one line."""


def to_array(frame: Pixels, side: int) -> NDArray[np.float32]:
    """Squash a frame as most preprocessors do: (1, 3, side, side), normalised."""
    small = cv2.resize(frame, (side, side), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    return np.ascontiguousarray((small / 127.5 - 1).transpose(2, 0, 1)[np.newaxis])
