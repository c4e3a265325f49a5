"""CIDEr-D of sampled sentences against their photo's references, fast enough to be a reward.

Vedantam et al. 2015, as coco-caption computes it, on tokens instead of words. END counts as a word, else sentences
learn to stop in mid-air (Luo et al. 2018).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

Ngram = tuple[int, ...]

LONGEST = 4
"""n-grams of 1 to so many words."""

LENGTH_DEVIATION = 6.0
"""Sigma of the penalty on a difference in length."""

SCALE = 10.0


class CiderReward:
    """Scores sentences (token lists that include END) of photos whose references it was made with."""

    def __init__(self, references: Sequence[Sequence[Sequence[int]]]) -> None:
        """Take each photo's sentences as tokens with END."""
        counted = [[_ngrams(sentence) for sentence in sentences] for sentences in references]
        self._seen_in = Counter(ngram for photo in counted for ngram in set().union(*photo))
        self._log_photos = math.log(max(2, len(references)))
        self._references = [[self._weigh(ngrams) for ngrams in photo] for photo in counted]

    def __call__(self, photo: int, sentence: Sequence[int]) -> float:
        """Return CIDEr-D of one sentence; 1 is a good human's."""
        weights, norms, length = self._weigh(_ngrams(sentence))
        total = 0.0
        for reference, reference_norms, reference_length in self._references[photo]:
            products = [0.0] * LONGEST
            for ngram, weight in weights.items():
                if (other := reference.get(ngram)) is not None:
                    products[len(ngram) - 1] += min(weight, other) * other
            penalty = math.exp(-((length - reference_length) ** 2) / (2 * LENGTH_DEVIATION**2))
            pairs = zip(products, norms, reference_norms, strict=True)
            total += penalty * sum(product / (own * other) for product, own, other in pairs if own and other)
        return SCALE * total / LONGEST / len(self._references[photo])

    def _weigh(self, ngrams: Counter[Ngram]) -> tuple[dict[Ngram, float], list[float], int]:
        """Return tf-idf weights, their norm for each n, and the length in bigrams, as coco-caption counts it."""
        weights, squares, length = {}, [0.0] * LONGEST, 0
        for ngram, count in ngrams.items():
            weight = count * (self._log_photos - math.log(max(1, self._seen_in[ngram])))
            weights[ngram] = weight
            squares[len(ngram) - 1] += weight * weight
            length += count if len(ngram) == 2 else 0
        return weights, [math.sqrt(square) for square in squares], length


def _ngrams(sentence: Sequence[int]) -> Counter[Ngram]:
    words = tuple(sentence)
    return Counter(words[start : start + n] for n in range(1, LONGEST + 1) for start in range(len(words) - n + 1))
