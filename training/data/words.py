"""The vocabulary of a training set."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence

from edge_caption.model.vocabulary import SPECIAL, Vocabulary, start_word
from training.data.captioned_photos import CaptionedPhoto
from training.languages import LANGUAGES

COMMON = 1 / 700
"""Share of all words that a word must be before it can be told where sentences have it; "kid" is none of them."""

ENOUGH = 100
"""And how often it must be seen."""

SELDOM = 1 / 200
"""Share of a word's uses, for slips and fragments among people's sentences."""


def words_of(photo: CaptionedPhoto) -> list[list[str]]:
    """Return the words of each of a photo's sentences."""
    return [LANGUAGES[photo.language].split(caption) for caption in photo.captions]


def build_vocabulary(photos: Iterable[CaptionedPhoto], min_count: int) -> Vocabulary:
    """Keep the words seen `min_count` times or more, the most frequent first, ties by alphabet.

    Each language but the first begins its sentences with a special word of its own.
    """
    counts: dict[str, Counter[str]] = {}
    for photo in photos:
        counts.setdefault(photo.language, Counter()).update(itertools.chain(*words_of(photo)))
    starts = [start_word(language) for language in list(counts)[1:]]
    total = sum(counts.values(), Counter())
    kept = [word for word, count in total.items() if count >= min_count]
    return Vocabulary([*SPECIAL, *starts, *sorted(kept, key=lambda word: (-total[word], word))])


def never_last(sentences: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Return the common words that sentences, each a list of words, (next to) never end with, by alphabet.

    In English a, the, with, wearing, two, … They are told from the sentences alone, so that it serves any language.
    """
    full = [words for words in sentences if words]
    uses = Counter(word for words in full for word in words)
    last = Counter(words[-1] for words in full)
    often = max(ENOUGH, COMMON * uses.total())
    return tuple(sorted(word for word, count in uses.items() if count >= often and last[word] <= SELDOM * count))
