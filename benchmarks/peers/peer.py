"""What every peer is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from edge_caption.images.frame import Pixels

Say = Callable[[Pixels, int], object]
"""Caption a frame, (height, width, 3) RGB, in exactly so many decoder steps."""


@dataclass(frozen=True)
class Ready:
    """A peer that can caption."""

    say: Say
    parameters: int
    bytes_on_disk: int
    """Of its weights as they are run."""


@dataclass(frozen=True)
class Peer:
    """A captioner to compare with."""

    load: Callable[[int], Ready]
    """Make it ready to run on so many threads; raises ImportError for a package, PeerError for what can't be."""
    is_what: str
    packages: tuple[str, ...]
    """What it takes to run, with all that these bring."""


class PeerError(Exception):
    """This peer can't run here; says why in one line."""


def weights(model: torch.nn.Module) -> tuple[int, int]:
    """Return the number of parameters, shared ones once, and their bytes."""
    parameters = list(model.parameters())
    return sum(one.numel() for one in parameters), sum(one.numel() * one.element_size() for one in parameters)


def to_tensor(frame: Pixels, side: int) -> torch.Tensor:
    """Squash a frame as most preprocessors do: (1, 3, side, side), normalised."""
    return torch.from_numpy(to_array(frame, side))


def to_array(frame: Pixels, side: int) -> NDArray[np.float32]:
    """As `to_tensor`, without torch."""
    small = cv2.resize(frame, (side, side), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    return np.ascontiguousarray((small / 127.5 - 1).transpose(2, 0, 1)[np.newaxis])
