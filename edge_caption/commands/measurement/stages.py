"""Stages of a caption, each timed by itself, while all numbers of threads and beams take turns."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_caption.commands.measurement.document import Search, spread
from edge_caption.images.frame import Pixels
from edge_caption.model.backends.session import Arrays, Session
from edge_caption.model.bundle import Bundle
from edge_caption.model.decoder import Decoder, beam_search, greedy
from edge_caption.model.encoder import Encoder
from edge_caption.model.flavour import LoadedFlavour
from edge_caption.model.preprocess import to_input


class Stopwatch:
    """A session that notes how long each run takes."""

    def __init__(self, session: Session) -> None:
        """Take what is timed."""
        self._session = session
        self.milliseconds: list[float] = []

    def run(self, **inputs: NDArray[Any]) -> Arrays:
        """Run the graph once."""
        started = time.perf_counter()
        outputs = self._session.run(**inputs)
        self.milliseconds.append((time.perf_counter() - started) * 1000)
        return outputs

    def take(self) -> list[float]:
        """Return the milliseconds of all runs since the last call."""
        taken, self.milliseconds = self.milliseconds, []
        return taken


class TimedSearch:
    """The captioner with one number of threads and beams, taken apart."""

    def __init__(self, bundle: Bundle, loaded: LoadedFlavour, threads: int, beams: int) -> None:
        """Take the graphs.

        Args:
            bundle: what they are from.
            loaded: the graphs, ready to run with so many threads.
            threads: for the record.
            beams: sentences kept while searching; 1 is greedy.
        """
        self.threads, self.beams = threads, beams
        vocabulary, self._decoding = bundle.vocabulary(), bundle.manifest.decoding
        language, _ = bundle.manifest.speak(None)
        self._side = bundle.manifest.sizes.side
        self._encode, self._step = Stopwatch(loaded.encoder), Stopwatch(loaded.decoder)
        self._encoder = Encoder(self._encode)
        not_last = vocabulary.encode(self._decoding.not_last)
        self._decoder = Decoder(self._step, vocabulary.start(language), vocabulary.special, not_last)
        self.times: dict[str, list[float]] = defaultdict(list)
        self._steps: list[int] = []

    def caption(self, frame: Pixels) -> None:
        """Caption a frame and note the milliseconds of each stage."""
        started = time.perf_counter()
        image = to_input(frame, self._side)
        prepared = time.perf_counter()
        seen = self._encoder(image)
        encoded = time.perf_counter()
        if self.beams == 1:
            greedy(self._decoder, seen, self._decoding.max_words)
        else:
            beam_search(self._decoder, seen, self._decoding.max_words, self.beams, self._decoding.length_penalty)
        ended = time.perf_counter()
        steps = self._step.take()
        self._steps.append(len(steps))
        self.times["preprocess"].append((prepared - started) * 1000)
        self.times["encoder"] += self._encode.take()
        self.times["decoder_step"] += steps
        self.times["search"].append((ended - encoded) * 1000 - sum(steps))
        self.times["caption"].append((ended - started) * 1000)

    def forget(self) -> None:
        """Drop what was noted so far."""
        self.times.clear()
        self._steps.clear()

    def result(self) -> Search:
        """Return what was noted."""
        stages = {name: spread(times) for name, times in self.times.items() if name != "preprocess"}
        return Search(threads=self.threads, beams=self.beams, steps=round(statistics.mean(self._steps), 2), **stages)


def slowdown(milliseconds: Sequence[float]) -> float:
    """Return the median of the last quarter beside that of the first."""
    quarter = max(1, len(milliseconds) // 4)
    return round(float(np.median(milliseconds[-quarter:]) / np.median(milliseconds[:quarter])), 3)
