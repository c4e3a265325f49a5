"""Two sessions composed to a captioner, as the runtime does it."""

from __future__ import annotations

from collections.abc import Callable

from edge_caption.images.frame import Pixels
from edge_caption.model.backends.session import Session
from edge_caption.model.decoder import Decoder, greedy
from edge_caption.model.encoder import Encoder
from edge_caption.model.preprocess import to_input

Say = Callable[[Pixels, int], int]
"""Caption a frame in at most so many words; returns how many steps it took."""


def captioner(encoder: Session, decoder: Session, side: int) -> Say:
    """Compose an encoder and a decoder; the sentence is searched greedily."""
    see, step = Encoder(encoder), Decoder(decoder)

    def say(frame: Pixels, words: int) -> int:
        sentence = greedy(step, see(to_input(frame, side)), words)
        return min(words, len(sentence.tokens) + 1)

    return say
