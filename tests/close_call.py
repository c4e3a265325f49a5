"""Whether two captioners that round differently say the same, or part at a word where either is as good."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge_caption.model.decoder import Decoder
from edge_caption.model.encoder import Seen
from edge_caption.model.vocabulary import END

CLOSE_CALL = 0.1
"""Nats: words that are as likely as each other within a tenth."""


def parting(decoder: Decoder, seen: Seen, one: Sequence[int], other: Sequence[int]) -> float:
    """Return by how many nats `one`'s word is likelier than `other`'s where they part; 0 if they don't."""
    state, before = seen.state, decoder.start
    for mine, theirs in zip((*one, END), (*other, END), strict=False):
        scores, state, _ = decoder.step(np.array([before], np.int64), state, seen)
        if mine != theirs:
            return float(scores[0, mine] - scores[0, theirs])
        before = mine
    return 0.0
