"""Engines take turns at the shipped encoder, and at the decoder's step, on the same frames.

Each gets the same ONNX file, or what its own converter makes of it. Its outputs are held against ONNX Runtime's.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.ratios import ratios
from edge_caption.commands.measurement.frames import frames
from edge_caption.errors import BackendError
from edge_caption.model.backends.onnx import OnnxSession
from edge_caption.model.backends.session import Arrays, Session
from edge_caption.model.bundle import Bundle, open_bundle
from edge_caption.model.preprocess import to_input

Inputs = dict[str, NDArray[Any]]


class Engine(NamedTuple):
    """A way to run a graph."""

    flavour: str
    """Whose encoder it gets; empty is this machine's own."""
    package: str
    open: Callable[[Path, int], Session]


def _openvino(graph: Path, threads: int) -> Session:
    from edge_caption.model.backends.openvino import OpenVinoSession

    return OpenVinoSession(graph, threads)


def _litert(graph: Path, threads: int) -> Session:
    from benchmarks.engines.litert import LiteRtSession

    return LiteRtSession(graph, threads)


def _mnn(graph: Path, threads: int) -> Session:
    from benchmarks.engines.mnn import MnnSession

    return MnnSession(graph, threads)


def _ncnn(graph: Path, threads: int) -> Session:
    from benchmarks.engines.ncnn import NcnnSession

    return NcnnSession(graph, threads)


LEADER = "ONNX Runtime"

ENGINES = {
    LEADER: Engine("", "onnxruntime", OnnxSession),
    "ONNX Runtime, signed": Engine("cpu-arm", "onnxruntime", OnnxSession),
    "OpenVINO": Engine("cpu-arm", "openvino", _openvino),
    "LiteRT, XNNPACK": Engine("cpu-arm", "ai-edge-litert", _litert),
    "MNN": Engine("cpu-arm", "mnn", _mnn),
    "ncnn": Engine("cpu-arm", "ncnn", _ncnn),
}


def measure(folder: Path | None, rounds: int, threads: int) -> dict[str, Any]:
    """Return for encoder and decoder what each engine takes, how its outputs differ, or why it does not run."""
    bundle = open_bundle(folder)
    images = [{"image": to_input(frame, bundle.manifest.sizes.side)} for frame in frames()]
    seen = [_reference(bundle, "", 0).run(**image) for image in images]
    steps = [_step(outputs) for outputs in seen]
    return {
        "threads": threads,
        "rounds": rounds,
        "encoder": _compare(bundle, 0, images, rounds, threads),
        "decoder": _compare(bundle, 1, steps, rounds, 1),
    }


def _step(seen: Arrays) -> Inputs:
    regions, keys, state = seen
    return {"token": np.array([4], np.int64), "state": state, "regions": regions, "keys": keys}


def _compare(bundle: Bundle, part: int, given: list[Inputs], rounds: int, threads: int) -> dict[str, Any]:
    ready: dict[str, Session] = {}
    found: dict[str, Any] = {}
    for name, engine in ENGINES.items():
        if part == 1 and engine.package == "onnxruntime" and name != LEADER:
            continue  # the flavours share the decoder
        try:
            session = engine.open(_graph(bundle, engine.flavour, part), threads)
            found[name] = {"version": metadata.version(engine.package), **_agreement(session, bundle, part, given)}
            ready[name] = session
        except Exception as error:  # engines raise everything there is, and one that fails is a row, too
            found[name] = {"failed": _one_line(error).replace(f"{bundle.folder}/", "")}
    times = time_sessions(ready, given, rounds)
    for name, taken in times.items():
        found[name]["median_ms"] = round(statistics.median(taken), 3)
        found[name]["times_slower"] = ratios(taken, times[LEADER])
    return found


def _graph(bundle: Bundle, flavour: str, part: int) -> Path:
    _, *graphs = bundle.graphs(flavour or None)
    return graphs[part]


def _reference(bundle: Bundle, flavour: str, part: int) -> OnnxSession:
    return OnnxSession(_graph(bundle, flavour, part), 1)


def _agreement(session: Session, bundle: Bundle, part: int, given: list[Inputs]) -> dict[str, float]:
    """Return the least signal to noise, in dB, that an output has beside ONNX Runtime's."""
    reference = _reference(bundle, "", part)
    levels = [
        _decibel(expected, actual)
        for inputs in given
        for expected, actual in zip(reference.run(**inputs), session.run(**inputs), strict=True)
    ]
    return {"least_db": round(min(levels), 1)} if np.isfinite(min(levels)) else {}


def _decibel(expected: NDArray[Any], actual: NDArray[Any]) -> float:
    if expected.shape != actual.shape:
        raise BackendError(f"its output has the shape {actual.shape}, not {expected.shape}")
    noise = float(np.square(actual - expected).sum())
    return 10 * float(np.log10(np.square(expected).sum() / noise)) if noise else np.inf


def time_sessions(ready: dict[str, Session], given: list[Inputs], rounds: int) -> dict[str, list[float]]:
    """Return milliseconds a run, one a round, while the sessions take turns; the first round warms up."""
    times: dict[str, list[float]] = {name: [] for name in ready}
    for number in range(-1, rounds):
        for name, session in ready.items():
            started = time.perf_counter()
            for inputs in given:
                session.run(**inputs)
            if number >= 0:
                times[name].append((time.perf_counter() - started) * 1000 / len(given))
    return times


def _one_line(error: Exception) -> str:
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0][:200]
