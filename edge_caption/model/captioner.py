"""The captioner: a photo in, a caption out."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from edge_caption.errors import ConfigError, PhotoError
from edge_caption.images.frame import Pixels
from edge_caption.images.photos import decode_photo, read_photo
from edge_caption.model.backends import BACKENDS, REFERENCE
from edge_caption.model.backends.session import MAX_BEAMS
from edge_caption.model.bundle import Bundle, open_bundle
from edge_caption.model.caption import Caption, ModelIdentity, Scene, Word
from edge_caption.model.confidence import mean_probability, scene_of
from edge_caption.model.decoder import Decoder, Sentence, Steps, beam_search, greedy
from edge_caption.model.encoder import Encoder, Floats, Seen
from edge_caption.model.fastest import load_fastest
from edge_caption.model.flavour import LoadedFlavour, load_first
from edge_caption.model.likelihood import Question, log_probs, read_question
from edge_caption.model.preprocess import to_input
from edge_caption.model.specific import SpecificDecoder, grey_picture
from edge_caption.model.sure import GeneralDecoder
from edge_caption.model.trim import trim

if TYPE_CHECKING:
    from concurrent.futures import Future

Photo: TypeAlias = Path | str | bytes | bytearray | memoryview | Pixels

AUTO = "auto"
"""The fastest of the installed backends that proves itself."""

DOUBT = 0.5
"""Captions of less confidence are doubtful."""

MAX_ASKED = 60
"""Words of a sentence that is asked for; the longest that people wrote of a photo has 37."""

MAX_THREADS = 1024
"""More than any processor has cores; ONNX Runtime would start them all."""


@dataclass(frozen=True)
class EncodedPhoto:
    """A photo that the encoder has seen and nothing was said of."""

    seen: Seen
    stages_ms: Mapping[str, float]
    decode: Callable[[EncodedPhoto], Caption]
    """Of the captioner that encoded it: no other knows what it saw."""

    def caption(self) -> Caption:
        """Say a sentence of it."""
        return self.decode(self)


class Captioner:
    """Says in a sentence what a picture shows. One serves any number of threads."""

    def __init__(
        self,
        bundle: Path | str | None = None,
        *,
        flavour: str | None = None,
        backend: str | None = None,
        beam: int | None = None,
        threads: int | None = None,
        language: str | None = None,
        specific: float | None = None,
        sure: float | None = None,
    ) -> None:
        """Load a bundle.

        Args:
            bundle: its folder, or the name of one that ships: accurate (if None) or fast.
            flavour: the one made for this machine and the backend if None.
            backend: onnxruntime, which is always there and meant by None; an installed extra; or auto, the fastest of
                them that proves itself. With commas, the first that works here: tensorrt,onnxruntime.
            beam: sentences kept while searching; 1 is greedy; the bundle's own default if None.
            threads: CPU threads of the encoder; all cores, but at most 4, if None.
            language: en, zh, …; the bundle's first if None.
            specific: 0-1, how much words are preferred that fit this picture better than any; the decoder then runs
                three times as long; the bundle's own default if None.
            sure: 0-1, the probability from which on an object is named; less sure ones are said in a general word or
                left out, in English; the bundle's own default if None.

        Raises:
            BundleError: the bundle is incomplete, altered or of another version.
            BackendError: this machine can't run it, or the backend is not installed.
            ConfigError: a number is out of range, there is no such backend, or the bundle does not speak the language.
        """
        opened = open_bundle(Path(bundle) if bundle is not None else None)
        self._decoding = opened.manifest.decoding
        self._beams = self._decoding.beam if beam is None else beam
        threads = min(4, os.cpu_count() or 1) if threads is None else threads
        _check_count("beam", self._beams, MAX_BEAMS)
        _check_count("threads", threads, MAX_THREADS)
        strength = _share("specific", specific, self._decoding.specific)
        certain = _share("sure", sure, self._decoding.sure)
        self.language, self._joiner = opened.manifest.speak(language)
        # It was fitted to sentences in the bundle's first language.
        self._confidence = opened.manifest.confidence if self.language == self._decoding.language else None
        self._load(opened, _open(opened, flavour, backend or REFERENCE, threads))
        self._sure = certain if self.language == "en" else 0.0
        self._steps = self._decode_surely() if self._sure else self._decoder
        self._specific = self._prefer_special(strength) if strength else None

    def _load(self, bundle: Bundle, engine: LoadedFlavour) -> None:
        self._vocabulary = vocabulary = bundle.vocabulary()
        self._side, self._grid = bundle.manifest.sizes.side, bundle.manifest.sizes.grid
        self._encoder = Encoder(engine.encoder)
        self._decoder = Decoder(
            engine.decoder,
            vocabulary.start(self.language),
            vocabulary.special,
            vocabulary.encode(self._decoding.not_last),
        )
        self.model = ModelIdentity(
            bundle.manifest.name, bundle.sha256, engine.flavour, engine.backend, bundle.manifest.version
        )

    def _decode_surely(self) -> Steps:
        return GeneralDecoder(self._decoder, self._vocabulary, self._sure)

    def _prefer_special(self, strength: float) -> SpecificDecoder:
        nothing = self._encoder(to_input(grey_picture(self._side), self._side))
        return SpecificDecoder(self._steps, nothing, strength)

    @property
    def calibrated(self) -> bool:
        """Whether a caption's confidence is the probability that it is right."""
        return self._confidence is not None

    def caption(self, photo: Photo) -> Caption:
        """Caption a photo.

        Args:
            photo: a path, the bytes of a JPEG, PNG or WebP file, or pixels (height, width, 3), RGB, uint8.

        Raises:
            PhotoError: it can't be read.
            TypeError: it is none of these.
        """
        return self.encode(photo).caption()

    def encode(self, photo: Photo) -> EncodedPhoto:
        """Run the encoder alone: what it sees tells whether a sentence is wanted, and the decoder runs only then.

        Raises:
            PhotoError: it can't be read.
            TypeError: it is no photo, as in `caption`.
        """
        started = time.perf_counter()
        image = to_input(_pixels(photo), self._side)
        prepared = time.perf_counter()
        seen = self._encoder(image)
        stages = {"preprocess": (prepared - started) * 1000, "encode": (time.perf_counter() - prepared) * 1000}
        return EncodedPhoto(seen, stages, self._decode)

    def caption_many(self, photos: Iterable[Photo], threads: int | None = None) -> Iterator[Caption]:
        """Caption photos in several threads; yield the captions in the photos' order.

        Args:
            photos: taken as they are needed, so there may be any number.
            threads: photos at once; as many as there are cores if None. Each uses the captioner's own `threads`, so
                give that 1 for the most captions a second.

        Raises:
            PhotoError: one can't be read; captions of those before it were yielded.
            TypeError: one is no photo.
        """
        from concurrent.futures import ThreadPoolExecutor

        count = threads or os.cpu_count() or 1
        with ThreadPoolExecutor(count, "caption") as pool:
            waiting: deque[Future[Caption]] = deque()
            try:
                for photo in photos:
                    waiting.append(pool.submit(self.caption, photo))
                    if len(waiting) > 2 * count:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

    def ask(self, sentence: str) -> Question:
        """Return a sentence as the model reads it.

        Raises:
            ConfigError: it knows none of the words, or there are too many.
        """
        return read_question(sentence, self._vocabulary, self._joiner, MAX_ASKED)

    def log_probs(self, seen: Seen, questions: Sequence[Question]) -> Floats:
        """Return the natural logarithm of each sentence's probability given what `encode` saw."""
        return log_probs(self._decoder, seen, questions)

    def _decode(self, encoded: EncodedPhoto) -> Caption:
        started = time.perf_counter()
        sentence, scene = self._search(encoded.seen), scene_of(encoded.seen.regions)
        if self.language == "en":
            sentence = trim(sentence, self._vocabulary, self._sure)
        stages = {**encoded.stages_ms, "decode": (time.perf_counter() - started) * 1000}
        return self._caption(sentence, scene, stages)

    def _search(self, seen: Seen) -> Sentence:
        if not self._specific:
            return self._search_with(self._steps, seen)
        found = self._search_with(self._specific, self._specific.begin(seen))
        return self._specific.true_probability(found, seen, self._decoding.max_words)

    def _search_with(self, decoder: Steps, seen: Seen) -> Sentence:
        if self._beams == 1:
            return greedy(decoder, seen, self._decoding.max_words)
        return beam_search(decoder, seen, self._decoding.max_words, self._beams, self._decoding.length_penalty)

    def _caption(self, sentence: Sentence, scene: Scene, stages: dict[str, float]) -> Caption:
        grid = (self._grid, self._grid)
        texts = self._vocabulary.decode(sentence.tokens)
        parts = zip(texts, sentence.log_probs, sentence.attentions, strict=True)
        words = tuple(Word(text, log_prob, attention.reshape(grid)) for text, log_prob, attention in parts)
        confidence = mean_probability(sentence.log_prob, len(words))
        text = self._joiner.join(texts)
        caption = Caption(text, words, sentence.log_prob, confidence, stages, self.model, self.language, scene=scene)
        if not self._confidence:
            return caption
        confidence = self._confidence.probability(caption)
        return replace(caption, confidence=confidence, doubtful=confidence < DOUBT)


def _check_count(name: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        raise ConfigError(f"{name} must be 1 to {most}, not {value}")


def _share(name: str, given: float | None, default: float) -> float:
    value = default if given is None else given
    if not 0 <= value <= 1:
        raise ConfigError(f"{name} must be 0 to 1, not {value}")
    return value


def check_backends(names: str) -> list[str]:
    """Return the names that commas separate.

    Raises:
        ConfigError: there is no such backend.
    """
    separate = names.split(",")
    if names != AUTO and (unknown := [name for name in separate if name not in BACKENDS]):
        raise ConfigError(f"there is no backend {unknown[0]!r}; choose one of: {', '.join(BACKENDS)}, {AUTO}")
    return separate


def _open(bundle: Bundle, flavour: str | None, backend: str, threads: int) -> LoadedFlavour:
    if backend == AUTO:
        return load_fastest(bundle, flavour, threads)
    return load_first(bundle, flavour, check_backends(backend), threads)


def _pixels(photo: Photo) -> Pixels:
    if isinstance(photo, bytes | bytearray | memoryview):
        return decode_photo(bytes(photo), "the photo")
    if isinstance(photo, np.ndarray):
        if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or 0 in photo.shape:
            raise PhotoError(
                f"pixels must be uint8 (height, width, 3) RGB, not {photo.dtype} {photo.shape}; convert them"
            )
        return photo
    try:
        path = Path(photo)
    except TypeError:
        kind = type(photo).__name__
        raise TypeError(f"a photo is a path, a file's bytes or an RGB array, not {kind}; give one of these") from None
    return read_photo(path)
