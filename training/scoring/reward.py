"""What a sampled sentence is worth: CIDEr-D against its photo's references; BLEU-4 and what is invented, where wanted.

On tokens instead of words, and fast enough to be asked of every sample. END counts as a word, else sentences learn to
stop in mid-air (Luo et al. 2018).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from edge_caption.model.objects import objects
from edge_caption.model.vocabulary import Vocabulary
from training.scoring.ngrams import LONGEST, Frequencies, References, Sentence, count_ngrams, length_of

LENGTH_DEVIATION = 6.0
"""Sigma of CIDEr-D's penalty on a difference in length."""

SCALE = 10.0


Judge = Callable[[int, Sequence[Sentence]], list[float]]
"""What each of these sentences of one photo is worth."""


class Reward:
    """What several judges say, each with its weight."""

    def __init__(self, judges: Iterable[tuple[float, Judge]], trusts: Sequence[float] | None = None) -> None:
        """Take the judges that weigh something.

        Args:
            trusts: what each photo's rewards are multiplied by; 1 if None.
        """
        self._judges = [(weight, judge) for weight, judge in judges if weight]
        self._trusts = trusts

    def __call__(self, photo: int, sentences: Sequence[Sentence]) -> list[float]:
        """Return what each of these sentences of one photo is worth."""
        worth = [0.0] * len(sentences)
        trust = self._trusts[photo] if self._trusts else 1.0
        for weight, judge in self._judges:
            worth = [sum_ + trust * weight * value for sum_, value in zip(worth, judge(photo, sentences), strict=True)]
        return worth


class CiderReward:
    """CIDEr-D: Vedantam et al. 2015, as coco-caption computes it."""

    def __init__(self, references: References, photos: int) -> None:
        self._references = references
        self._frequencies = Frequencies(references)
        self._log_photos = math.log(max(2, photos))

    def __call__(self, photo: int, sentences: Sequence[Sentence]) -> list[float]:
        """Return CIDEr-D of each of these sentences of one photo; 1 is a good human's."""
        references = [self._weigh(count_ngrams(sentence)) for sentence in self._references[photo]]
        return [_cider(self._weigh(count_ngrams(sentence)), references) for sentence in sentences]

    def _weigh(self, ngrams: Counter[int]) -> Weighed:
        """Return tf-idf weights, their norm for each n, and the length in bigrams, as coco-caption counts it."""
        rarities = (self._log_photos - np.log(self._frequencies.of(ngrams))).tolist()
        weights, squares, length = {}, [0.0] * LONGEST, 0
        for (ngram, count), rarity in zip(ngrams.items(), rarities, strict=True):
            n = length_of(ngram)
            weights[ngram] = weight = count * rarity
            squares[n - 1] += weight * weight
            length += count if n == 2 else 0
        return weights, [math.sqrt(square) for square in squares], length


class BleuReward:
    """Sentence BLEU-4: Papineni et al. 2002, smoothed as in Lin and Och 2004.

    For n above 1, one is added to the n-grams found and to those there are: a sentence without a four-gram in common
    with a reference is worth less than one that has it, but not nothing.
    """

    def __init__(self, references: References) -> None:
        self._references = references

    def __call__(self, photo: int, sentences: Sequence[Sentence]) -> list[float]:
        """Return BLEU-4 (0-1) of each of these sentences of one photo."""
        references = self._references[photo]
        most: Counter[int] = Counter()
        for sentence in references:
            most |= count_ngrams(sentence)
        lengths = sorted(map(len, references))
        return [_bleu(sentence, most, lengths) for sentence in sentences]


class InventedObjects:
    """How many objects a sentence names that no reference of its photo names, as a number below 0."""

    def __init__(self, references: References, vocabulary: Vocabulary) -> None:
        self._references, self._vocabulary = references, vocabulary

    def __call__(self, photo: int, sentences: Sequence[Sentence]) -> list[float]:
        """Return it for each of these sentences of one photo; 0 in a language whose objects have no list."""
        known = [self._text(sentence) for sentence in self._references[photo]]
        return [-float(len(objects().unnamed(self._text(sentence), known))) for sentence in sentences]

    def _text(self, sentence: Sentence) -> str:
        return " ".join(self._vocabulary.decode(sentence))


Weighed = tuple[dict[int, float], list[float], int]


def _cider(sentence: Weighed, references: Sequence[Weighed]) -> float:
    weights, norms, length = sentence
    total = 0.0
    for reference, reference_norms, reference_length in references:
        products = [0.0] * LONGEST
        for ngram, weight in weights.items():
            if (other := reference.get(ngram)) is not None:
                products[length_of(ngram) - 1] += min(weight, other) * other
        penalty = math.exp(-((length - reference_length) ** 2) / (2 * LENGTH_DEVIATION**2))
        pairs = zip(products, norms, reference_norms, strict=True)
        total += penalty * sum(product / (own * other) for product, own, other in pairs if own and other)
    return SCALE * total / LONGEST / len(references)


def _bleu(sentence: Sentence, most: Counter[int], lengths: Iterable[int]) -> float:
    """Score against the most often that a reference has each n-gram, and the references' lengths, shortest first."""
    found = [0] * LONGEST
    for ngram, count in count_ngrams(sentence).items():
        found[length_of(ngram) - 1] += min(count, most[ngram])
    if not found[0]:
        return 0.0
    log_precisions = math.log(found[0] / len(sentence))
    for n in range(2, LONGEST + 1):
        log_precisions += math.log((found[n - 1] + 1) / (max(0, len(sentence) - n + 1) + 1))
    closest = min(lengths, key=lambda length: abs(length - len(sentence)))
    return math.exp(log_precisions / LONGEST + min(0.0, 1 - closest / len(sentence)))
