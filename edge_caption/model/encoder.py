"""Picture -> all that is computed once of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_caption.model.backends.session import Session

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Seen:
    """A picture as the decoder needs it. R regions."""

    regions: Floats
    """Shape (1, R, D)."""

    keys: Floats
    """Shape (1, R, A): what the attention compares the decoder's state with."""

    state: Floats
    """Shape (1, H): the decoder's first state."""


class Encoder:
    """The encoder graph."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __call__(self, image: NDArray[np.uint8]) -> Seen:
        """See a picture: shape (1, side, side, 3), RGB."""
        return Seen(*self._session.run(image=image))
