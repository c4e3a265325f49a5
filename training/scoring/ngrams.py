"""n-grams of tokens, each packed into one whole number, and in how many photos' sentences they occur."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

LONGEST = 4
"""n-grams of 1 to so many words."""

BITS = 64 // LONGEST
"""Of a token: four fill a number. No token is 0, or n-grams of different lengths would be the same number."""

CHUNK = 20_000
"""Photos that are counted at once."""

Sentence = Sequence[int]
"""Tokens that close with END, where the sentence was finished."""


class References(Protocol):
    """Each photo's sentences."""

    def __len__(self) -> int: ...

    def __getitem__(self, photo: int, /) -> Sequence[Sentence]: ...


def count_ngrams(sentence: Sentence) -> Counter[int]:
    """Return how often each n-gram occurs."""
    return Counter(_pack(sentence).tolist())


def length_of(ngram: int) -> int:
    """Return how many words it has."""
    return -(-ngram.bit_length() // BITS)


def _pack(sentence: Sentence) -> NDArray[np.uint64]:
    """Return all n-grams of 1 to LONGEST words."""
    words = np.array(sentence, np.uint64)
    packed = [words]
    for n in range(1, LONGEST):
        packed.append(packed[-1][:-1] << np.uint64(BITS) | words[n:])
    return np.concatenate(packed)


class Frequencies:
    """In how many photos' sentences n-grams occur.

    Sorted arrays: a dict of the millions of n-grams that a large data set has takes ten times the memory. Those of one
    photo alone, which are most, are left out, because CIDEr weighs them like those that never occur.
    """

    def __init__(self, references: References) -> None:
        self._ngrams, self._counts = np.empty(0, np.uint64), np.empty(0, np.int64)
        for start in range(0, len(references), CHUNK):
            photos = range(start, min(start + CHUNK, len(references)))
            self._add(np.concatenate([_of_photo(references[photo]) for photo in photos]))
        shared = self._counts > 1
        self._ngrams, self._counts = self._ngrams[shared], self._counts[shared].astype(np.uint32)

    def _add(self, ngrams: NDArray[np.uint64]) -> None:
        ngrams, counts = np.unique(ngrams, return_counts=True)
        together = np.concatenate((self._ngrams, ngrams))
        self._ngrams, places = np.unique(together, return_inverse=True)
        summed = np.bincount(places, np.concatenate((self._counts, counts)))
        self._counts = summed.astype(np.int64)

    def of(self, ngrams: Iterable[int]) -> NDArray[np.uint32]:
        """Return in how many photos' sentences each of them occurs; 1 for less than two."""
        wanted = np.fromiter(ngrams, np.uint64)
        if not len(self._ngrams):
            return np.ones(len(wanted), np.uint32)
        places = np.searchsorted(self._ngrams, wanted).clip(max=len(self._ngrams) - 1)
        return np.where(self._ngrams[places] == wanted, self._counts[places], np.uint32(1))


def _of_photo(sentences: Sequence[Sentence]) -> NDArray[np.uint64]:
    return np.unique(np.concatenate([_pack(sentence) for sentence in sentences]))
