"""How much of what a captioner says can't be right: shares of a set of captions, 0-1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from edge_caption.model.objects import colours, objects
from edge_caption.text import split_words
from training.data.words import never_last

References = Sequence[Sequence[str]]
"""What people wrote of each photo."""


def flaw_rates(captions: Sequence[str], references: References) -> dict[str, float]:
    """Return the shares of captions, one a photo, that are wrong in some way that a program can see.

    Returns:
        unnamed_object, unnamed_colour: it names one that no reference of its photo names (model/objects.py);
        dangling_end: its last word is one that sentences of this data set don't end with;
        repeated_bigram, repeated_word: two words come again in this order, or one right after itself.
    """
    dangling = set(never_last(split_words(text) for group in references for text in group))
    pairs = list(zip(captions, references, strict=True))
    return {
        "unnamed_object": _share(pairs, lambda caption, known: bool(objects().unnamed(caption, known))),
        "unnamed_colour": _share(pairs, lambda caption, known: bool(colours().unnamed(caption, known))),
        "dangling_end": _share(pairs, lambda caption, _: not dangling.isdisjoint(split_words(caption)[-1:])),
        "repeated_bigram": _share(pairs, lambda caption, _: _repeats_bigram(split_words(caption))),
        "repeated_word": _share(pairs, lambda caption, _: _repeats_word(split_words(caption))),
    }


def flaw_rates_of_people(references: References) -> dict[str, float]:
    """Return the same for each photo's first sentence against its others: what a captioner can be expected to reach.

    They are held against one reference less than a captioner's, so the objects and colours look a little worse.
    """
    several = [group for group in references if len(group) > 1]
    return flaw_rates([group[0] for group in several], [group[1:] for group in several])


def _share(pairs: Sequence[tuple[str, Sequence[str]]], wrong: Callable[[str, Sequence[str]], bool]) -> float:
    return round(sum(wrong(*pair) for pair in pairs) / max(1, len(pairs)), 4)


def _repeats_bigram(words: Sequence[str]) -> bool:
    bigrams = list(pairwise(words))
    return len(set(bigrams)) < len(bigrams)


def _repeats_word(words: Sequence[str]) -> bool:
    return any(one == other for one, other in pairwise(words))
