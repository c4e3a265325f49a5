"""Whether a caption says what somebody wants to know."""

from __future__ import annotations

import re

from edge_caption.errors import ConfigError
from edge_caption.model.objects import objects
from edge_caption.text import CHINESE, COMMON, split_words

RUNS = re.compile(f"[{CHINESE}]+")

ENDING = re.compile(r"(?<=\w{3})(?:ing|ed|es|s)$")


class Wanted:
    """A phrase whose things and words a caption must name, in any order.

    A thing covers its kinds: "person" fits a caption of a man, "dog" one of a puppy. model/objects.txt has them. Other
    words fit in any form. Chinese words must stand in the caption as they are.
    """

    def __init__(self, phrase: str) -> None:
        """Read a phrase.

        Raises:
            ConfigError: there is no word in it that tells anything.
        """
        named = objects().named(phrase)
        self._things = [thing for things in named.values() for thing in things]
        taken = {word for name in named for word in name.split()} | COMMON
        spaced = RUNS.sub(" ", phrase)
        self._stems = {_stem(word) for word in split_words(spaced) if word not in taken}
        self._chinese = RUNS.findall(phrase)
        if not (self._things or self._stems or self._chinese):
            raise ConfigError(f"the alert's words {phrase!r} tell of nothing; write what a caption must name")

    def fits(self, caption: str) -> bool:
        """Tell whether a caption names all of it."""
        there = {thing for things in objects().named(caption).values() for thing in things}
        return (
            all(any(other[: len(thing)] == thing for other in there) for thing in self._things)
            and self._stems <= {_stem(word) for word in split_words(caption)}
            and all(word in caption for word in self._chinese)
        )


def _stem(word: str) -> str:
    return ENDING.sub("", word)
