"""What differs between the languages that sentences are written in. A new language is an entry here."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import rjieba

from edge_caption.text import WORD, split_words


@dataclass(frozen=True)
class Language:
    """How a language is cut into words and put together again."""

    split: Callable[[str], list[str]]
    """Sentence -> its lower-case words, without punctuation."""

    joiner: str
    """What stands between words."""

    sides: re.Pattern[str]
    """Found in lower-case sentences that would be wrong of a mirrored photo."""


def split_chinese(sentence: str) -> list[str]:
    """Cut as jieba does, by its dictionary and hidden Markov model."""
    return [word.lower() for word in rjieba.cut(sentence) if WORD.search(word)]


LANGUAGES = {
    "en": Language(split_words, " ", re.compile(r"\b(left|right)\b")),
    "zh": Language(split_chinese, "", re.compile("[左右]")),
}
"""By ISO 639-1 code."""
