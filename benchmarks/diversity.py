"""How varied the sentences are: n-grams and words used, repetition, and what was not copied from training."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

Sentence = tuple[str, ...]

LONGEST = 4
"""n-grams of 1 to so many words count for self-BLEU."""


def diversity(sentences: Sequence[Sentence], trained_on: AbstractSet[Sentence]) -> dict[str, float]:
    """Return the figures of sentences as words; more sentences lower all but the means, so compare equal numbers.

    Args:
        sentences: one a photo.
        trained_on: the training set's; without any, `novel_sentences` is left out.
    """
    figures = {
        "mean_words": sum(map(len, sentences)) / len(sentences),
        "distinct_sentences": len(set(sentences)) / len(sentences),
        "distinct_1": distinct(sentences, 1),
        "distinct_2": distinct(sentences, 2),
        "words_used": len({word for sentence in sentences for word in sentence}),
        "self_bleu_4": self_bleu(sentences),
    }
    if trained_on:
        figures["novel_sentences"] = sum(sentence not in trained_on for sentence in sentences) / len(sentences)
    return figures


def distinct(sentences: Iterable[Sentence], n: int) -> float:
    """Return the share of different n-grams among all n-grams of all sentences (Li et al. 2016)."""
    ngrams = [ngram for sentence in sentences for ngram in _ngrams(sentence, n)]
    return len(set(ngrams)) / max(1, len(ngrams))


def self_bleu(sentences: Sequence[Sentence]) -> float:
    """Return how much of each sentence the others hold (Zhu et al. 2018): BLEU-4 against them, over all sentences.

    1 is a parrot. There is no brevity penalty: among so many others one is as short.
    """
    return math.prod(_repeated(sentences, n) for n in range(1, LONGEST + 1)) ** (1 / LONGEST)


def _repeated(sentences: Sequence[Sentence], n: int) -> float:
    """Return the share of the n-grams that another sentence holds, as often."""
    counted = [Counter(_ngrams(sentence, n)) for sentence in sentences]
    most: dict[Sentence, list[int]] = {}  # n-gram -> its two highest counts in one sentence
    for counts in counted:
        for ngram, count in counts.items():
            most[ngram] = sorted([*most.get(ngram, [0, 0]), count])[-2:]
    repeated = 0
    for counts in counted:
        for ngram, count in counts.items():
            second, first = most[ngram]
            repeated += min(count, second if count == first else first)
    return repeated / max(1, sum(map(Counter.total, counted)))


def _ngrams(sentence: Sentence, n: int) -> list[Sentence]:
    return [sentence[start : start + n] for start in range(len(sentence) - n + 1)]
