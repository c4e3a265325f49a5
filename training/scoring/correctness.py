"""Whether a caption is right, as far as a program can tell from what people wrote of the photo.

A stand-in for a person's judgement, and meant wherever this project says that a caption is "right": it names no object
that no reference names (edge_caption/model/objects.py), and its CIDEr is CIDER or more. The first asks for the truth of
what is named, the second that something worth saying is: "a man is standing" is true of many photos.
"""

from __future__ import annotations

from collections.abc import Sequence

from pycocoevalcap.cider.cider import Cider

from edge_caption.model.objects import objects
from edge_caption.text import split_words

CIDER = 0.3
"""Of one sentence; docs/decisions/2026-11-23-confidence.md says how it was chosen, and how often a person agrees."""

MEANING = f"names no object that the photo's references don't, and has a CIDEr of at least {CIDER}"


def are_correct(captions: Sequence[str], references: Sequence[Sequence[str]]) -> list[bool]:
    """Judge captions, one a photo, by the references of the same photos."""
    ciders = cider_of_each(captions, references)
    return [
        cider >= CIDER and not objects().unnamed(caption, known)
        for caption, known, cider in zip(captions, references, ciders, strict=True)
    ]


def cider_of_each(captions: Sequence[str], references: Sequence[Sequence[str]]) -> list[float]:
    """Return each caption's CIDEr, with the vocabulary's words instead of the PTB tokenizer's, which needs Java."""
    known = {photo: [_plain(text) for text in group] for photo, group in enumerate(references)}
    said = {photo: [_plain(text)] for photo, text in enumerate(captions)}
    return [float(score) for score in Cider().compute_score(known, said)[1]]


def _plain(text: str) -> str:
    return " ".join(split_words(text))
