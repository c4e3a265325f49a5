"""Objects that the captioner is not sure of: said in a general word, or left out with the phrase that they stand in.

An object that had less than a tenth of the probability when it was said is wrong in two cases of three. English only:
the list of objects is (objects.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edge_caption.model.decoder import Sentence, Steps
from edge_caption.model.encoder import Floats, Seen
from edge_caption.model.objects import Thing, objects
from edge_caption.model.vocabulary import UNKNOWN, Vocabulary
from edge_caption.text import split_words

GENERAL: dict[Thing, tuple[str, str]] = {
    ("person", "child"): ("child", "children"),
    ("person",): ("person", "people"),
    ("animal",): ("animal", "animals"),
    ("vehicle",): ("vehicle", "vehicles"),
    ("boat",): ("boat", "boats"),
}
"""Things -> the word for one and for several of them; the nearest first."""

IRREGULAR = {"men", "women", "people", "children", "kids", "geese", "oxen", "calves"}

NO_NOUNS = {"crowd", "audience", "team", "band", "family", "police", "cattle", "wildlife", "male", "female"}
"""Names of things for which a general noun can't stand: collectives, adjectives."""

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

POSSESSIVES = ("its", "his", "her", "their")

NEVER_LAST = frozenset(split_words("a an the is are and of to"))
"""What a sentence can't end with when its last phrase was left out."""


@dataclass(frozen=True)
class _General:
    token: int
    covers: NDArray[np.int64]
    """Tokens of all the words that it stands for, itself among them."""


class GeneralDecoder:
    """A decoder that says "an animal" where it is not sure which."""

    def __init__(self, decoder: Steps, vocabulary: Vocabulary, sure: float) -> None:
        """Take the probability (0-1) from which on an object is said as it is."""
        self._decoder, self._least = decoder, math.log(sure)
        self.start = decoder.start
        self._general = dict(_general_words(vocabulary))

    def step(self, tokens: NDArray[np.int64], state: Floats, seen: Seen) -> tuple[Floats, Floats, Floats]:
        """Go on from B words, as `Decoder.step`; an unsure object's general word has all its kinds' probability."""
        scores, state, attention = self._decoder.step(tokens, state, seen)
        for row, token in enumerate(scores.argmax(-1).tolist()):
            if scores[row, token] < self._least:
                for general in self._general.get(token, ()):
                    total = np.logaddexp.reduce(scores[row, general.covers])
                    if total >= self._least:
                        scores[row, general.token] = total
                        break
        return scores, state, attention


def _general_words(vocabulary: Vocabulary) -> Iterator[tuple[int, list[_General]]]:
    """Yield each word that general ones can stand for, with those, the nearest first."""
    known = {word: token for token, word in enumerate(vocabulary.words) if _is_noun(word)}
    found: dict[int, list[_General]] = {}
    for thing, forms in GENERAL.items():
        for several, general in enumerate(forms):
            kinds = [
                token
                for word, token in known.items()
                if _is_several(word) == bool(several) and all(of[: len(thing)] == thing for of in objects().of(word))
            ]
            if general in known:
                for token in kinds:
                    found.setdefault(token, []).append(_General(known[general], np.array(kinds)))
    yield from found.items()


def _is_noun(word: str) -> bool:
    return word not in NO_NOUNS and bool(objects().of(word))


def _is_several(word: str) -> bool:
    singular = (word[:-1], word[:-2], f"{word[:-3]}y") if word.endswith("s") else ()
    return word in IRREGULAR or any(objects().of(one) for one in singular)


def settle(sentence: Sentence, vocabulary: Vocabulary, sure: float) -> Sentence:
    """Leave out the phrases whose object is not sure, and say "an" before "animal".

    Args:
        sentence: what a search found.
        sure: probability (0-1) from which on an object is said.
    """
    words = vocabulary.decode(sentence.tokens)
    kept = _sure_places(words, sentence.log_probs, math.log(sure))
    while kept and kept[-1] != len(words) - 1 and words[kept[-1]] in NEVER_LAST:
        kept.pop()
    if not kept:
        return sentence
    left_out = sum(sentence.log_probs) - sum(sentence.log_probs[at] for at in kept)
    found = Sentence(
        tuple(sentence.tokens[at] for at in kept),
        tuple(sentence.log_probs[at] for at in kept),
        tuple(sentence.attentions[at] for at in kept),
        sentence.log_prob - left_out,
    )
    return _with_articles(found, vocabulary)


def _sure_places(words: Sequence[str], log_probs: Sequence[float], least: float) -> list[int]:
    """Return the places of the words that stay."""
    kept = list(range(len(words)))
    at = len(words) - 1
    while at > 0:
        unsure = bool(objects().of(words[at])) and log_probs[at] < least
        compound = at + 1 < len(words) and bool(objects().of(words[at + 1]))
        start = _phrase(words, at) if unsure and not compound else None
        if start is not None:
            kept = [place for place in kept if not start <= place <= _owned(words, at)]
            at = start
        at -= 1
    return kept


def _owned(words: Sequence[str], noun: int) -> int:
    """Return where the phrase ends that says whose or where a noun is: a stick in its mouth."""
    after = words[noun + 1 : noun + 4]
    return noun + 3 if len(after) == 3 and after[0] in PREPOSITIONS and after[1] in POSSESSIVES else noun


def _phrase(words: Sequence[str], noun: int) -> int | None:
    """Return where the phrase begins that ends with a noun; None where the sentence needs it."""
    for at in range(noun - 1, max(0, noun - LONGEST_PHRASE - 1), -1):
        if words[at] == "to" and words[at - 1] == "next":
            return at - 1 or None
        if words[at] == "of":
            before = BEFORE_OF.get(words[at - 1], 0)
            return (at - before or None) if before else None
        if words[at] in PREPOSITIONS:
            return at
        if words[at] in ("and", "is", "are", "to"):
            return None
    return None


def _with_articles(sentence: Sentence, vocabulary: Vocabulary) -> Sentence:
    (article,) = vocabulary.encode(["an"])
    tokens = list(sentence.tokens)
    words = vocabulary.decode(tokens)
    for at, (word, after) in enumerate(pairwise(words)):
        if article != UNKNOWN and word == "a" and after.startswith("animal"):
            tokens[at] = article
    return replace(sentence, tokens=tuple(tokens))
