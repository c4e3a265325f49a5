"""How long a flavour's graphs take on one thread of this machine."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_caption.model.backends.onnx import OnnxSession
from edge_caption.model.bundle import FLAVOUR_OF_MACHINE, Graphs
from edge_caption.model.vocabulary import START
from export.flavours import REFERENCE

STEPS = 12
"""Decoder steps of a usual sentence: ten words, its end, and one to be fair."""

ROUNDS = 30


@dataclass(frozen=True)
class Latency:
    """Milliseconds, the fastest of ROUNDS: what the processor can do when nothing disturbs it."""

    encoder: float
    decoder: float
    """STEPS steps, one after another."""

    @property
    def total(self) -> float:
        """Of a sentence, the runtime's own loop and preprocessing aside."""
        return self.encoder + self.decoder


def runs_well_here(flavour: str) -> bool:
    """Tell whether a flavour is meant for this machine's kind of processor."""
    return flavour in (REFERENCE, FLAVOUR_OF_MACHINE.get(platform.machine().lower()))


def time_flavours(bundle: Path, flavours: Mapping[str, Graphs], side: int) -> dict[str, Latency]:
    """Time the flavours in turns, so that a busy moment of the machine hits all of them."""
    jobs = {name: _jobs(bundle, graphs, side) for name, graphs in flavours.items() if runs_well_here(name)}
    best = dict.fromkeys(jobs, Latency(np.inf, np.inf))
    for _ in range(ROUNDS):
        for name, (encode, decode) in jobs.items():
            best[name] = Latency(min(best[name].encoder, _clock(encode)), min(best[name].decoder, _clock(decode)))
    return best


def _jobs(bundle: Path, graphs: Graphs, side: int) -> tuple[Callable[[], object], Callable[[], object]]:
    encoder, decoder = OnnxSession(bundle / graphs.encoder, 1), OnnxSession(bundle / graphs.decoder, 1)
    image = np.random.default_rng(0).integers(0, 256, (1, side, side, 3), np.uint8)
    regions, keys, first = encoder.run(image=image)
    token = np.array([START], np.int64)

    def decode() -> None:
        state = first
        for _ in range(STEPS):
            _, state, _ = decoder.run(token=token, state=state, regions=regions, keys=keys)

    return lambda: encoder.run(image=image), decode


def _clock(job: Callable[[], object]) -> float:
    started = time.perf_counter()
    job()
    return (time.perf_counter() - started) * 1000
