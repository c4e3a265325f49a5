"""Words that fit this picture better than any picture.

At each step a word loses some of the probability that it has without a picture (pointwise mutual information, as in Li
et al. 2016), and only words that are likely for this picture may be said (as in contrastive decoding, Li et al. 2023).
What the captioner says of a plain grey picture stands for what it says without one.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edge_caption.images.frame import Pixels
from edge_caption.model.decoder import Never, Sentence, Steps
from edge_caption.model.encoder import Floats, Seen
from edge_caption.model.vocabulary import END

PLAUSIBLE = math.log(0.1)
"""A word may be said that has at least a tenth of the probability of the likeliest one."""


def grey_picture(side: int) -> Pixels:
    """Return a picture that shows nothing."""
    return np.full((side, side, 3), 128, np.uint8)


class SpecificDecoder:
    """A decoder that prefers what is special. Its states are those with the picture, then those without."""

    def __init__(self, decoder: Steps, nothing: Seen, strength: float) -> None:
        """Take what the encoder sees in a picture of nothing, and the share (0-1) of that which words lose."""
        self._decoder, self._nothing, self._strength = decoder, nothing, strength
        self.start = decoder.start

    def begin(self, seen: Seen) -> Seen:
        """Return a picture with the state that a search of it begins with."""
        return replace(seen, state=np.concatenate((seen.state, self._nothing.state), -1))

    def step(
        self, tokens: NDArray[np.int64], state: Floats, seen: Seen, never: Never = ()
    ) -> tuple[Floats, Floats, Floats]:
        """Go on from B words, as `Decoder.step`, with log-probabilities of being both likely and special."""
        with_picture, without = np.split(state, 2, axis=-1)
        scores, with_picture, attention = self._decoder.step(tokens, with_picture, seen, never)
        usual, without, _ = self._decoder.step(tokens, without, self._nothing)
        plausible = scores >= scores.max(-1, keepdims=True) + PLAUSIBLE
        special = np.full_like(scores, -np.inf)
        special[plausible] = scores[plausible] - self._strength * usual[plausible]
        special -= np.logaddexp.reduce(special, axis=-1, keepdims=True)  # sum to 1, so that beams can be compared
        return special, np.concatenate((with_picture, without), -1), attention

    def true_probability(self, sentence: Sentence, seen: Seen, max_words: int) -> Sentence:
        """Return a sentence that was found with the log-probabilities that it has given the picture.

        Args:
            sentence: what a search found.
            seen: the picture, as `begin` took it.
            max_words: of the search; a sentence of so many words has no end that would count.
        """
        state, token, log_probs = seen.state, self.start, []
        ended = len(sentence.tokens) < max_words
        for word in (*sentence.tokens, *[END] * ended):
            scores, state, _ = self._decoder.step(np.array([token], np.int64), state, seen)
            log_probs.append(float(scores[0, word]))
            token = word
        words = log_probs[: len(sentence.tokens)]
        return replace(sentence, log_probs=tuple(words), log_prob=sum(log_probs))
