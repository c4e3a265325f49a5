"""What differs between the languages that sentences are written in. A new language is an entry here."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import rjieba

WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
"""Letters and digits, joined by apostrophes and hyphens, as the coco-caption tokenizer keeps them."""


@dataclass(frozen=True)
class Language:
    """How a language is cut into words and put together again."""

    split: Callable[[str], list[str]]
    """Sentence -> its lower-case words, without punctuation."""

    joiner: str
    """What stands between words."""

    sides: re.Pattern[str]
    """Found in lower-case sentences that would be wrong of a mirrored photo."""


def split_spaced(sentence: str) -> list[str]:
    """Cut where a language has spaces."""
    return WORD.findall(sentence.lower())


def split_chinese(sentence: str) -> list[str]:
    """Cut as jieba does, by its dictionary and hidden Markov model."""
    return [word.lower() for word in rjieba.cut(sentence) if WORD.search(word)]


LANGUAGES = {
    "en": Language(split_spaced, " ", re.compile(r"\b(left|right)\b")),
    "zh": Language(split_chinese, "", re.compile("[左右]")),
}
"""By ISO 639-1 code."""
