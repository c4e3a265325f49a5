"""Sentences without photos, for what a decoder can learn from words alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from training.data.captioned_photos import CaptionedPhoto, read_text
from training.data.load import load_sentences
from training.errors import DataError
from training.sources import Source, Text

APART = re.compile(r"[\W_]")


def held_out(sources: Sequence[Source], folder: Path, dev: Iterable[CaptionedPhoto]) -> set[str]:
    """Return the `letters` of sentences that nothing may learn from: those of dev and of the sources' test splits.

    Raises:
        DataError: naming the file and line that is wrong.
    """
    tests = [source for source in sources if not source.dev_captions]  # with it, `captions` is train alone
    found = {letters(text) for source in tests for text in load_sentences(folder / source.captions, "test")}
    return found | {letters(text) for photo in dev for text in photo.captions}


def load_texts(texts: Sequence[Text], folder: Path, without: set[str]) -> list[CaptionedPhoto]:
    """Read each sentence, as if it were all that is known of a photo, but for those of `without`.

    Raises:
        DataError: a file can't be read, or nothing of it is left.
    """
    found: list[CaptionedPhoto] = []
    for text in texts:
        lines = enumerate(read_text(folder / text.captions).split("\n"), 1)
        sentences = [(number, line.rpartition("\t")[2].strip()) for number, line in lines]
        kept = [
            CaptionedPhoto(Path(f"{text.name}, line {number}"), (sentence,), text.language, (text,))
            for number, sentence in sentences
            if (said := letters(sentence)) and said not in without
        ]
        if not kept:
            raise DataError(f"{folder / text.captions} has no sentence that is not in dev or test; add some")
        found += kept
    return found


def letters(sentence: str) -> str:
    """Return what sentences share that differ in case, punctuation and blanks alone."""
    return APART.sub("", sentence.lower())
