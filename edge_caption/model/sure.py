"""Objects that the captioner is not sure of: said in a general word. `trim` leaves out what is still not sure.

An object that had less than a tenth of the probability when it was said is wrong in two cases of three. English only:
the list of objects is (objects.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_caption.model.decoder import Never, Steps
from edge_caption.model.encoder import Floats, Seen
from edge_caption.model.objects import Thing, objects
from edge_caption.model.vocabulary import Vocabulary

GENERAL: dict[Thing, tuple[str, str]] = {
    ("person", "child"): ("child", "children"),
    ("person",): ("person", "people"),
    ("animal",): ("animal", "animals"),
    ("vehicle",): ("vehicle", "vehicles"),
    ("boat",): ("boat", "boats"),
    ("room",): ("room", "rooms"),
}
"""Things -> the word for one and for several of them; the nearest first."""

IRREGULAR = {"men", "women", "people", "children", "kids", "geese", "oxen", "calves"}

NO_NOUNS = {"crowd", "audience", "team", "band", "family", "police", "cattle", "wildlife", "male", "female"}
"""Names of things for which a general noun can't stand: collectives, adjectives."""


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

    def step(
        self, tokens: NDArray[np.int64], state: Floats, seen: Seen, never: Never = ()
    ) -> tuple[Floats, Floats, Floats]:
        """Go on from B words, as `Decoder.step`; an unsure object's general word has all its kinds' probability."""
        scores, state, attention = self._decoder.step(tokens, state, seen, never)
        for row, token in enumerate(scores.argmax(-1).tolist()):
            if scores[row, token] < self._least:
                for general in self._general.get(token, ()):
                    if scores[row, general.token] == -np.inf:
                        continue
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
