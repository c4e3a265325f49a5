"""The vocabulary of a training set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from edge_caption.vocabulary import SPECIAL, Vocabulary, start_word
from training.data.photos import CaptionedPhoto
from training.languages import LANGUAGES


def build_vocabulary(photos: Iterable[CaptionedPhoto], min_count: int) -> Vocabulary:
    """Keep the words seen `min_count` times or more, the most frequent first, ties by alphabet.

    Each language but the first begins its sentences with a special word of its own.
    """
    counts: dict[str, Counter[str]] = {}
    for photo in photos:
        words = counts.setdefault(photo.language, Counter())
        for caption in photo.captions:
            words.update(LANGUAGES[photo.language].split(caption))
    starts = [start_word(language) for language in list(counts)[1:]]
    total = sum(counts.values(), Counter())
    kept = [word for word, count in total.items() if count >= min_count]
    return Vocabulary([*SPECIAL, *starts, *sorted(kept, key=lambda word: (-total[word], word))])
