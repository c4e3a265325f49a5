"""Whether a caption says what somebody wants to know."""

from __future__ import annotations

import re

from edge_caption.errors import ConfigError
from edge_caption.model.objects import objects
from edge_caption.text import CHINESE, COMMON, split_words

RUNS = re.compile(f"[{CHINESE}]+")

ENDINGS = re.compile(r"(?<=\w{3})(?:ing|ed|es|(?<!s)s)$")

DOUBLED = re.compile(r"([bdgklmnprt])\1$")
"""What "running" doubles. Words that end so by themselves keep their own form, too."""


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
        self._words = [_roots(word) for word in split_words(spaced) if word not in taken]
        self._chinese = RUNS.findall(phrase)
        if not (self._things or self._words or self._chinese):
            raise ConfigError(f"the alert's words {phrase!r} tell of nothing; write what a caption must name")

    def fits(self, caption: str) -> bool:
        """Tell whether a caption names all of it."""
        there = {thing for things in objects().named(caption).values() for thing in things}
        said = {root for word in split_words(caption) for root in _roots(word)}
        return (
            all(any(other[: len(thing)] == thing for other in there) for thing in self._things)
            and all(roots & said for roots in self._words)
            and all(word in caption for word in self._chinese)
        )


def _roots(word: str) -> frozenset[str]:
    """Return what a word may be a form of, itself included: two forms of a word have one in common."""
    root = ENDINGS.sub("", word)
    roots = {word, root, word.removesuffix("s") if root != word else word}
    if root != word:
        roots |= {f"{root}e", DOUBLED.sub(r"\1", root)}
    if word.endswith(("ies", "ied")):
        roots |= {f"{word[:-3]}y", f"{word[:-3]}ie"}
    if word.endswith("ying"):
        roots.add(f"{word[:-4]}ie")
    return frozenset(roots)
