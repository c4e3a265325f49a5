"""What a sentence is better without: what it says again, and phrases whose object is not sure.

"a kitchen with a sink and a sink" -> "a kitchen with a sink". English only: the list of objects is (objects.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from edge_caption.model.decoder import Sentence
from edge_caption.model.objects import colours, objects
from edge_caption.model.sure import GENERAL
from edge_caption.model.vocabulary import UNKNOWN, Vocabulary
from edge_caption.text import split_words

PREPOSITIONS = frozenset(
    split_words(
        "in on with near at by of through over under behind beside along down up across into against around off from "
        "above inside outside wearing holding"
    )
)
"""What begins a phrase that a sentence can do without."""

BEFORE_OF = {"front": 2, "top": 2}
"""Words before the "of" of a longer preposition, and how many of its words are before that: in front of."""

LONGEST_PHRASE = 5

ARTICLES = ("a", "an", "the")

POSSESSIVES = ("its", "his", "her", "their")

PRONOUNS = ("it", "him", "them")

VERBS = ("is", "are")

UNFINISHED = ("topped", "covered", "filled", "made")
"""Words that mean nothing without the phrase after them."""

NEVER_LAST = frozenset(split_words("a an the is are and of to"))
"""What a sentence can't end with when its last phrase was left out."""


def trim(sentence: Sentence, vocabulary: Vocabulary, sure: float) -> Sentence:
    """Leave out what is said again and the phrases whose object is not sure, and say "an elephant".

    Args:
        sentence: what a search found.
        sure: probability (0-1) from which on an object is said; 0: any.
    """
    least = math.log(sure) if sure else -math.inf
    once = _only(sentence, _without_stutter(vocabulary.decode(sentence.tokens)))
    words = vocabulary.decode(once.tokens)
    kept = _Phrases(words, once.log_probs, least).kept()
    while kept and kept[-1] != len(words) - 1 and words[kept[-1]] in NEVER_LAST:
        kept.pop()
    return _with_articles(_only(once, kept) if kept else once, vocabulary)


def _only(sentence: Sentence, places: Iterable[int]) -> Sentence:
    """Return the words at some places, with the probability of these."""
    kept = list(places)
    if len(kept) == len(sentence.tokens):
        return sentence
    left_out = sum(sentence.log_probs) - sum(sentence.log_probs[at] for at in kept)
    return Sentence(
        tuple(sentence.tokens[at] for at in kept),
        tuple(sentence.log_probs[at] for at in kept),
        tuple(sentence.attentions[at] for at in kept),
        sentence.log_prob - left_out,
    )


def _without_stutter(words: Sequence[str]) -> list[int]:
    """Return the places that stay of "computer computer", "white and white" and "animal elephant"."""
    kept: list[int] = []
    for at, word in enumerate(words):
        said = [words[place] for place in kept[-2:]]
        if said[-1:] == [word]:
            continue
        if said[1:] == ["and"] and said[0] == word and (objects().of(word) or colours().of(word)):
            kept.pop()
            continue
        if said and _is_general(said[-1], word):
            kept.pop()
        kept.append(at)
    return kept


def _is_general(word: str, other: str) -> bool:
    """Tell whether a word stands for any of the kinds that another is one of."""
    stands_for = [thing for thing, forms in GENERAL.items() if word in forms]
    return any(of[: len(thing)] == thing for thing in stands_for for of in objects().of(other))


@dataclass(frozen=True)
class _Phrases:
    """A sentence's phrases; places count its words from 0."""

    words: Sequence[str]
    log_probs: Sequence[float]
    least: float

    def kept(self) -> list[int]:
        """Return the places of the words that stay."""
        kept = list(range(len(self.words)))
        at = len(self.words) - 1
        while at > 0:
            start = self._start_of_needless(at) if self._can_go(at) else None
            if start is not None:
                if self.words[start - 1] in UNFINISHED:
                    start -= 1
                kept = [place for place in kept if not start <= place <= self._end(at)]
                at = start
            at -= 1
        return kept

    def _can_go(self, at: int) -> bool:
        """Tell whether a word names something, is no part of a longer name, and nothing is added to it by "and"."""
        return self._names(at) and not self._names(at + 1) and self.words[at + 1 : at + 2] != ["and"]

    def _names(self, at: int) -> bool:
        return at < len(self.words) and bool(objects().of(self.words[at]))

    def _start_of_needless(self, noun: int) -> int | None:
        """Return where the phrase of a noun begins if it can go and should."""
        if self._said_before(noun):
            joined = self._joined_by_and(noun)
            return joined if joined is not None else self._start(noun)
        return self._start(noun) if self.log_probs[noun] < self.least else None

    def _said_before(self, noun: int) -> bool:
        """Tell whether it is said again as if it were another: "a dog with a dog", not "a black and a white dog"."""
        before = any(word == self.words[noun] and not self._names(at + 1) for at, word in enumerate(self.words[:noun]))
        return before and self.words[noun - 1] in ARTICLES

    def _joined_by_and(self, noun: int) -> int | None:
        """Return where "and a sink" begins; people may be two: "a woman and a woman"."""
        start = noun - 2
        if start < 1 or self.words[start] != "and" or not self._names(start - 1):
            return None
        person = any(thing[0] == "person" for thing in objects().of(self.words[noun]))
        return None if person or self.words[noun + 1 : noun + 2] == ["are"] else start

    def _start(self, noun: int) -> int | None:
        """Return where the phrase begins that ends with a noun; None where the sentence needs it."""
        words = self.words
        for at in range(noun - 1, max(0, noun - LONGEST_PHRASE - 1), -1):
            if words[at] == "to" and words[at - 1] == "next":
                return at - 1 or None
            if words[at] == "of":
                before = BEFORE_OF.get(words[at - 1], 0)
                return (at - before or None) if before else None
            if words[at] in PREPOSITIONS:
                return at
            if words[at] in ("and", "to", *VERBS):
                return None
        return None

    def _end(self, noun: int) -> int:
        """Return where what belongs to a noun ends: a plate of food, a stick in its mouth, a table with a cat on it."""
        after = self.words[noun + 1 : noun + 4]
        if after[:1] == ["of"]:
            return next((at for at in range(noun + 2, noun + 5) if self._names(at)), noun)
        if len(after) < 2 or after[0] not in PREPOSITIONS:
            return noun
        if after[1] in PRONOUNS:
            return noun + 2
        return noun + 3 if after[1] in POSSESSIVES and len(after) == 3 else noun


def _with_articles(sentence: Sentence, vocabulary: Vocabulary) -> Sentence:
    words = pairwise(vocabulary.decode(sentence.tokens))
    wrong = [at for at, (word, after) in enumerate(words) if word == "a" and _sounds_like_a_vowel(after)]
    (article,) = vocabulary.encode(["an"])
    if not wrong or article == UNKNOWN:
        return sentence
    tokens = list(sentence.tokens)
    for at in wrong:
        tokens[at] = article
    return replace(sentence, tokens=tuple(tokens))


def _sounds_like_a_vowel(word: str) -> bool:
    return word.startswith(("a", "e", "i", "o", "umb", "unc", "ugl")) and not word.startswith(("one", "eu"))
