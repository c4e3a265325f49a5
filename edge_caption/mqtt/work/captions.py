"""Frames captioned by the workers of a broker instead of this device: pictures leave it."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import wait

import numpy as np

from edge_caption.errors import PhotoError
from edge_caption.images.frame import Pixels
from edge_caption.images.jpeg import to_jpeg
from edge_caption.model.caption import Caption, ModelIdentity, Word
from edge_caption.model.captioner import EncodedPhoto, Photo
from edge_caption.model.encoder import Seen
from edge_caption.mqtt.work.asker import Asker
from edge_caption.records import PhotoCaption, WordRecord

log = logging.getLogger(__name__)

TRIES = 2
"""A frame is worth little when it is old."""

GLANCE_S = 0.1

LONGEST, MOST = 1000, 1e6
"""Characters, words and stages of a caption, and the amount of its figures."""

NOTHING = Seen(*(np.zeros(shape, np.float32) for shape in ((1, 0, 0), (1, 0, 0), (1, 0))))
"""What the encoder saw stays with the worker."""


class RemoteCaptions:
    """Takes the captioner's place in a node. One frame is on its way at a time."""

    def __init__(self, asker: Asker, topic: str, stop: threading.Event) -> None:
        """Take who asks, where, and what ends the wait for an answer."""
        self.model = ModelIdentity(f"workers at {topic}", "", "", "mqtt")
        """Each caption has that of the worker that said it."""
        self._asker, self._stop = asker, stop
        self._told = False

    def caption(self, photo: Photo) -> Caption:
        """Caption a frame; raises as `encode` does."""
        return self.encode(photo).caption()

    def encode(self, photo: Photo) -> EncodedPhoto:
        """Have a frame captioned; it is ready when this returns.

        Raises:
            PhotoError: no worker answers, or it can't; the log tells the first time.
            ConfigError: the broker lets this device ask nothing.
        """
        assert isinstance(photo, np.ndarray)
        began = time.perf_counter()
        try:
            said = self._ask(photo)
            spent = {"workers": (time.perf_counter() - began) * 1000}
            caption = _caption(said, spent)
        except PhotoError as error:
            log.log(
                logging.DEBUG if self._told else logging.WARNING, "%s; frames are left out until one answers", error
            )
            self._told = True
            raise
        self._told = False
        return EncodedPhoto(NOTHING, spent, lambda _: caption)

    def _ask(self, pixels: Pixels) -> PhotoCaption:
        future = self._asker.ask(to_jpeg(pixels), "the frame", TRIES, attention=True, patient=False)
        while not wait([future], GLANCE_S).done:
            if self._stop.is_set():
                raise PhotoError("the node stops")
        answer = future.result()
        if answer.data is None:
            raise PhotoError(f"the worker {answer.worker} can't caption a frame: {answer.error}")
        if fault := _fault_of(answer.data):
            raise PhotoError(f"the worker {answer.worker} says what can't be ({fault}); look at it")
        return answer.data


def _fault_of(said: PhotoCaption) -> str | None:
    """Return what no captioner says, None where all can be: what comes from elsewhere is published under this name."""
    weights = (weight for word in said.words for row in word.attention or () for weight in row)
    possible = {
        "confidence": 0 <= said.confidence <= 1,
        "caption": len(said.caption) <= LONGEST and len(said.words) <= LONGEST,
        "log_prob": all(-MOST <= word.log_prob <= 0 for word in said.words),
        "box": all(0 <= edge <= 1 for word in said.words for edge in word.box),
        "attention": all(0 <= weight <= 1 for weight in weights),
        "stages_ms": len(said.stages_ms) <= LONGEST and all(0 <= spent <= MOST for spent in said.stages_ms.values()),
    }
    return next((name for name, can_be in possible.items() if not can_be), None)


def _caption(said: PhotoCaption, spent: dict[str, float]) -> Caption:
    words = tuple(map(_word, said.words))
    stages = {**said.stages_ms, "workers": spent["workers"] - sum(said.stages_ms.values())}
    return Caption(
        said.caption,
        words,
        sum(word.log_prob for word in words),
        said.confidence,
        stages,
        said.model,
        said.language,
        said.doubtful,
    )


def _word(word: WordRecord) -> Word:
    rows = word.attention or [[1.0]]
    if len({len(row) for row in rows}) > 1 or not rows[0]:
        raise PhotoError(f"a worker's answer has no grid of weights for {word.text!r}; look at the worker")
    return Word(word.text, word.log_prob, np.asarray(rows, np.float32))
