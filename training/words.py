"""Sentences -> words, and the vocabulary of a training set."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from edge_caption.vocabulary import SPECIAL, Vocabulary
from training.data.photos import CaptionedPhoto

WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
"""Letters and digits, joined by apostrophes and hyphens, as the coco-caption tokenizer keeps them."""

COMMON = 1 / 700
"""Share of all words that a word must be before it can be told where sentences have it; "kid" is none of them."""

ENOUGH = 100
"""And how often it must be seen."""

SELDOM = 1 / 200
"""Share of a word's uses, for slips and fragments among people's sentences."""


def split_words(caption: str) -> list[str]:
    """Return the lower-case words without punctuation."""
    return WORD.findall(caption.lower())


def build_vocabulary(photos: Iterable[CaptionedPhoto], min_count: int) -> Vocabulary:
    """Keep the words seen `min_count` times or more, the most frequent first, ties by alphabet."""
    counts = Counter(word for photo in photos for caption in photo.captions for word in split_words(caption))
    kept = [word for word, count in counts.items() if count >= min_count]
    return Vocabulary([*SPECIAL, *sorted(kept, key=lambda word: (-counts[word], word))])


def never_last(sentences: Iterable[str]) -> tuple[str, ...]:
    """Return the common words that sentences (next to) never end with, by alphabet.

    In English a, the, with, wearing, two, … They are told from the sentences alone, so that it serves any language.
    """
    split = [words for sentence in sentences if (words := split_words(sentence))]
    uses = Counter(word for words in split for word in words)
    last = Counter(words[-1] for words in split)
    often = max(ENOUGH, COMMON * uses.total())
    return tuple(sorted(word for word, count in uses.items() if count >= often and last[word] <= SELDOM * count))
