"""What a sentence names, and what of that no reference names: objects, after CHAIR (Rohrbach et al. 2018), and colours.

CHAIR asks for 80 objects of COCO, by its labels and sentences. Here are no labels: an object counts as there when a
person wrote of it. So a caption's true word that all five people passed over counts as wrong, and figures mean
something only beside others of the same photos, people's own among them (`flaws.flaw_rates_of_people`).

A general word covers a particular one and the other way round: "person" is right where a reference says "man", and
"man" where the references say nothing nearer than "person"; but not where one of them names another kind of person.
The lists are objects.txt and colours.txt.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import cache
from pathlib import Path

from edge_caption.text import split_words

LISTS = Path(__file__).parent

INDENT = 2
"""Spaces that make a line of a list a kind of the line above."""

Thing = tuple[str, ...]
"""From the general to the particular: ("animal", "dog")."""


class Things:
    """Things that a sentence can name."""

    def __init__(self, text: str) -> None:
        """Read a list; objects.txt says how it is written."""
        names: dict[str, AbstractSet[Thing]] = {}
        once: dict[AbstractSet[Thing], AbstractSet[Thing]] = {}
        for thing, name in _entries(text):
            for form in _forms(name):
                things = names.get(form, frozenset()) | {thing}
                # Each set once: a name, its plural and its synonyms share one.
                names[form] = once.setdefault(things, things)
        self._names: Mapping[str, AbstractSet[Thing]] = names
        self._longest = max(len(name.split()) for name in names)

    def named(self, sentence: str) -> dict[str, AbstractSet[Thing]]:
        """Return each name that the sentence holds with what it names; "hot dog" is taken before "dog"."""
        words, found, at = split_words(sentence), {}, 0
        while at < len(words):
            runs = [" ".join(words[at : at + length]) for length in range(self._longest, 0, -1)]
            name = next((run for run in runs if run in self._names), words[at])
            if name in self._names:
                found[name] = self._names[name]
            at += len(name.split())
        return found

    def of(self, word: str) -> AbstractSet[Thing]:
        """Return what a single word names; nothing if it is no name."""
        return self._names.get(word, frozenset())

    def unnamed(self, sentence: str, references: Iterable[str]) -> list[str]:
        """Return the names in a sentence of things that no reference names."""
        there = {thing for reference in references for things in self.named(reference).values() for thing in things}
        named = self.named(sentence).items()
        return [name for name, things in named if not all(_is_there(thing, there) for thing in things)]


def _is_there(thing: Thing, there: set[Thing]) -> bool:
    """Climb from a thing to the first more general one that anything is there of, and look what that is."""
    for length in range(len(thing), 0, -1):
        near = {other for other in there if other[:length] == thing[:length]}
        if near:
            return length == len(thing) or near == {thing[:length]}
    return False


def _entries(text: str) -> Iterator[tuple[Thing, str]]:
    """Yield a list's names, each with what it names."""
    path: list[str] = []
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            names = [name.strip() for name in line.split(",")]
            depth = (len(line) - len(line.lstrip())) // INDENT
            path[depth:] = names[:1]
            yield from ((tuple(path), name) for name in names)


def _forms(name: str) -> tuple[str, str]:
    """Return singular and plural."""
    if name.endswith(("s", "x", "ch", "sh")):
        return name, f"{name}es"
    if name.endswith("y") and name[-2] not in "aeiou":
        return name, f"{name[:-1]}ies"
    return name, f"{name}s"


@cache
def objects() -> Things:
    """Return the concrete things of Flickr8k-like sentences."""
    return Things((LISTS / "objects.txt").read_text())


@cache
def colours() -> Things:
    """Return the colours."""
    return Things((LISTS / "colours.txt").read_text())
