"""Ranks photos by the likelihood of a sentence given each of them (Mao et al. 2015; Vinyals et al. 2015)."""

from __future__ import annotations

import contextlib
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
from edge_caption.model.retrieval.cache import Cache, state_of

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
        self._report: Callable[[PhotoError], None] = lambda _: None

    def add(
        self,
        photos: Sequence[Path],
        report: Callable[[PhotoError], None],
        progress: Callable[[int], None],
        wait: Callable[[], None] = lambda: None,
    ) -> None:
        """See photos that were not seen before, or have changed since.

        Args:
            photos: all that are to be asked for.
            report: gets what is wrong with a photo that is left out.
            progress: gets how many of the new ones are done, now and then.
            wait: is called where another process adds photos, before this waits for it.

        Raises:
            ConfigError: the disk refuses.
        """
        bad = set()
        with self._cache.alone(wait):
            self._cache.forget_others(set(photos))
            new = [photo for photo in photos if not self._cache.knows(photo)]
            for done, photo in enumerate(new, 1):
                state = state_of(photo)
                try:
                    self._cache.put(photo, state, self._captioner.encode(photo).seen)
                except PhotoError as error:
                    report(error)
                    bad.add(photo)
                progress(done)
                if done % SAVE_EVERY == 0 or done == len(new):
                    self._cache.save()
        self._photos = [photo for photo in photos if photo not in bad]
        self._report = report

    def find(self, question: Question) -> list[Found]:
        """Return the photos, the one that the sentence fits best first."""
        words = len(question.tokens) - len(question.unknown)
        without = self._captioner.log_probs(self._nothing, [question])[0]
        given = self.log_probs([question])[:, 0]  # which may lose photos
        scores = (given - without) / words
        order = np.argsort(-scores, kind="stable")
        return [Found(self._photos[index], float(scores[index])) for index in order]

    def log_probs(self, questions: Sequence[Question]) -> Floats:
        """Return the log-probability of each question given each photo; shape (photos, questions).

        A photo that has to be seen again, and is there no more, is reported and left out.
        """
        mended = False

        def ask(photo: Path) -> Floats | PhotoError:
            nonlocal mended
            # Read here, not before: what was seen of all photos would be gigabytes.
            seen = self._cache.seen(photo, self._nothing)
            if seen is None:
                mended = True
                self._cache.forget(photo)
                try:
                    seen = self._captioner.encode(photo).seen
                except PhotoError as error:
                    return error
            return self._captioner.log_probs(seen, questions)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            answers = list(pool.map(ask, self._photos))
        if mended:
            with contextlib.suppress(OSError):  # the next run mends it
                self._cache.save()
        for answer in answers:
            if isinstance(answer, PhotoError):
                self._report(answer)
        found = [answer for answer in answers if not isinstance(answer, PhotoError)]
        pairs = zip(self._photos, answers, strict=True)
        self._photos = [photo for photo, answer in pairs if not isinstance(answer, PhotoError)]
        return np.stack(found) if found else np.zeros((0, len(questions)), np.float32)
