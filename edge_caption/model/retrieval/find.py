"""Ranks photos by the likelihood of a sentence given each of them (Mao et al. 2015; Vinyals et al. 2015)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_caption.errors import PhotoError
from edge_caption.model.captioner import Captioner
from edge_caption.model.encoder import Floats
from edge_caption.model.likelihood import Question, nothing_seen
from edge_caption.model.retrieval.cache import Cache

SAVE_EVERY = 500
"""Photos between two saves of the cache: what a kill costs."""


@dataclass(frozen=True)
class Found:
    """A photo and how well the sentence fits."""

    file: Path

    score: float
    """How much likelier each of the sentence's words is than without a photo: a mean of natural logarithms."""


class Album:
    """Photos that can be asked for by a sentence."""

    def __init__(self, captioner: Captioner, cache: Cache) -> None:
        """Take the model and what it saw before."""
        self._captioner = captioner
        self._cache = cache
        side = np.zeros((1, 1, 3), np.uint8)
        self._nothing = nothing_seen(captioner.encode(side).seen)
        self._photos: list[Path] = []

    def add(
        self, photos: Sequence[Path], report: Callable[[PhotoError], None], progress: Callable[[int], None]
    ) -> None:
        """See photos that were not seen before, or have changed since.

        Args:
            photos: all that are to be asked for.
            report: gets what is wrong with a photo that is left out.
            progress: gets how many of the new ones are done, now and then.
        """
        self._cache.forget_others(set(photos))
        new = [photo for photo in photos if not self._cache.knows(photo)]
        bad = set()
        for done, photo in enumerate(new, 1):
            try:
                self._cache.put(photo, self._captioner.encode(photo).seen)
            except PhotoError as error:
                report(error)
                bad.add(photo)
            progress(done)
            if done % SAVE_EVERY == 0 or done == len(new):
                self._cache.save()
        self._photos = [photo for photo in photos if photo not in bad]

    def find(self, question: Question) -> list[Found]:
        """Return the photos, the one that the sentence fits best first."""
        words = len(question.tokens) - len(question.unknown)
        without = self._captioner.log_probs(self._nothing, [question])[0]
        given = self.log_probs([question])[:, 0]
        scores = (given - without) / words
        order = np.argsort(-scores, kind="stable")
        return [Found(self._photos[index], float(scores[index])) for index in order]

    def log_probs(self, questions: Sequence[Question]) -> Floats:
        """Return the log-probability of each question given each photo; shape (photos, questions)."""
        if not self._photos:
            return np.zeros((0, len(questions)), np.float32)

        def ask(photo: Path) -> Floats:
            # Read here, not before: what was seen of all photos would be gigabytes.
            return self._captioner.log_probs(self._cache.seen(photo, self._nothing), questions)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return np.stack(list(pool.map(ask, self._photos)))
