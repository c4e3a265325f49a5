"""`--backend auto`: the fastest of the installed backends that proves itself."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_caption.errors import BackendError
from edge_caption.images.photos import read_photo
from edge_caption.model.backends import BACKENDS, REFERENCE
from edge_caption.model.bundle import Bundle
from edge_caption.model.decoder import Decoder, Sentence, greedy
from edge_caption.model.encoder import Encoder, Floats, Seen
from edge_caption.model.flavour import LoadedFlavour, load_flavour
from edge_caption.model.preprocess import to_input

PHOTO = Path(__file__).parent.parent / "demo" / "photos" / "wren.jpg"

AGREEMENT_DB = 15.0
"""Signal to noise that an encoder's outputs must have beside the reference's.

Of PHOTO, rounding INT8 another way leaves 26 dB and more, swapped colours and a mirrored picture 6.
"""

CLEAR = 1.15
"""How many times faster than the reference another backend must be: less may be noise, and gone at the next start."""

ROUNDS = 25

WORDS = 20

log = logging.getLogger(__name__)


def load_fastest(bundle: Bundle, flavour: str | None, threads: int) -> LoadedFlavour:
    """Load a flavour on each installed backend that it suits, and keep the fastest that agrees with the reference.

    Args:
        flavour: the one that suits each backend and this machine if None.
        threads: of the encoder.

    Raises:
        BundleError: the bundle lacks the flavour, or a file is wrong.
        BackendError: the reference can't run it.
    """
    reference = load_flavour(bundle, flavour, REFERENCE, threads)
    image = to_input(read_photo(PHOTO), bundle.manifest.sizes.side)
    engines = [reference, *_rivals(bundle, flavour, threads, reference, image)]
    if len(engines) == 1:
        return reference
    times = _best_times(engines, image)
    fastest = min(engines, key=lambda engine: times[engine.backend])
    chosen = fastest if times[reference.backend] >= CLEAR * times[fastest.backend] else reference
    took = ", ".join(f"{backend} {spent * 1000:.1f} ms" for backend, spent in times.items())
    log.info("auto chose %s, a photo takes: %s", chosen.backend, took)
    return chosen


def _rivals(
    bundle: Bundle, flavour: str | None, threads: int, reference: LoadedFlavour, image: NDArray[np.uint8]
) -> Iterator[LoadedFlavour]:
    """Yield the other backends that agree with the reference; say why of one that is left out."""
    for name, backend in BACKENDS.items():
        if name == REFERENCE or not (backend.automatic and backend.installed):
            continue
        if flavour and flavour not in backend.flavours:
            continue
        try:
            engine = load_flavour(bundle, flavour, name, threads)
            _check(engine, reference, image)
        except Exception as error:  # whatever an extra raises, the reference still runs
            log.warning("auto leaves %s out: %s", name, str(error) or repr(error))
        else:
            yield engine


def _check(engine: LoadedFlavour, reference: LoadedFlavour, image: NDArray[np.uint8]) -> None:
    """Let both see a picture, and say a sentence of what the reference saw.

    Raises:
        BackendError: they differ by more than another way of rounding does.
    """
    seen, expected = _see(engine, image), _see(reference, image)
    for name in ("regions", "keys", "state"):
        if (heard := _decibel(getattr(expected, name), getattr(seen, name))) < AGREEMENT_DB:
            raise BackendError(
                f"its {name} of a test photo have {heard:.1f} dB of signal to noise beside {reference.backend}'s, "
                f"less than {AGREEMENT_DB:g}; update it"
            )
    if _say(engine, expected).tokens != _say(reference, expected).tokens:
        raise BackendError(f"it says another sentence of a test photo than {reference.backend}; update it")


def _see(engine: LoadedFlavour, image: NDArray[np.uint8]) -> Seen:
    return Encoder(engine.encoder)(image)


def _say(engine: LoadedFlavour, seen: Seen) -> Sentence:
    return greedy(Decoder(engine.decoder), seen, WORDS)


def _decibel(expected: Floats, actual: Floats) -> float:
    """Return 10 log10 of the signal's power over the difference's; -inf where there is no telling."""
    if expected.shape != actual.shape or not np.isfinite(actual).all():
        return -np.inf
    noise = float(np.square(actual - expected).sum())
    return 10 * float(np.log10(np.square(expected).sum() / noise)) if noise else np.inf


def _best_times(engines: list[LoadedFlavour], image: NDArray[np.uint8]) -> dict[str, float]:
    """Return each backend's best seconds, in turns: the best is what the device can do when nothing disturbs it."""
    best = dict.fromkeys((engine.backend for engine in engines), np.inf)
    for _ in range(ROUNDS):
        for engine in engines:
            started = time.perf_counter()
            _say(engine, _see(engine, image))
            best[engine.backend] = min(best[engine.backend], time.perf_counter() - started)
    return best
