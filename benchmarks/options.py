"""Settings of ONNX Runtime that could make the encoder or a decoder step faster, beside what ships."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from benchmarks.ratios import ratios
from edge_caption.commands.measurement.frames import frames
from edge_caption.model.backends.onnx import HARMFUL, PROVIDER
from edge_caption.model.bundle import open_bundle
from edge_caption.model.preprocess import to_input

Image = NDArray[np.uint8]

Run = Callable[[Image], object]

Change = Callable[[onnxruntime.SessionOptions], None]

SHIPPED = "what ships"


def _nothing(_: onnxruntime.SessionOptions) -> None:
    pass


def _memory_pattern(options: onnxruntime.SessionOptions) -> None:
    options.enable_mem_pattern = True


def _no_arena(options: onnxruntime.SessionOptions) -> None:
    options.enable_cpu_mem_arena = False


def _denormals(options: onnxruntime.SessionOptions) -> None:
    options.add_session_config_entry("session.set_denormal_as_zero", "1")


def _spinning(options: onnxruntime.SessionOptions) -> None:
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")


def _parallel(options: onnxruntime.SessionOptions) -> None:
    options.execution_mode = onnxruntime.ExecutionMode.ORT_PARALLEL


CHANGES: dict[str, Change] = {
    SHIPPED: _nothing,
    "a plan for memory": _memory_pattern,
    "no arena": _no_arena,
    "tiny numbers are zero": _denormals,
    "threads spin": _spinning,
    "nodes in parallel": _parallel,
}

BOUND = "outputs bound beforehand"
BOUND_STEP = "inputs and outputs bound beforehand"

STEPS = 10
"""Of the decoder, for each run of the encoder; they are short."""


def measure(bundle: Path | None, rounds: int, threads: int) -> dict[str, Any]:
    """Return each setting's milliseconds of the encoder, how many times faster it is than what ships, and a step's.

    With one thread they are of processor time, so that other programs hardly matter.
    """
    opened = open_bundle(bundle)
    _, encoder, decoder = opened.graphs()
    image = to_input(frames()[0], opened.manifest.sizes.side)
    sessions = {name: _session(encoder, threads, change) for name, change in CHANGES.items()}
    runs: dict[str, Run] = {name: _plain(session) for name, session in sessions.items()}
    runs[BOUND] = _bound(sessions[SHIPPED])
    regions, keys, state = sessions[SHIPPED].run(None, {"image": image})
    step = {"token": np.array([opened.vocabulary().start("en")]), "state": state, "regions": regions, "keys": keys}
    one = _session(decoder, 1, _nothing)
    steps = {SHIPPED: lambda: one.run(None, step), BOUND_STEP: _bound_step(one, step)}
    clock = time.thread_time if threads == 1 else time.perf_counter
    seeing = {name: partial(see, image) for name, see in runs.items()}
    return {
        "threads": threads,
        "rounds": rounds,
        "clock": "processor time" if threads == 1 else "time",
        **take_turns(seeing, rounds, clock),
        "decoder_step": take_turns(steps, rounds * STEPS, time.thread_time),
    }


def take_turns(runs: Mapping[str, Callable[[], object]], rounds: int, clock: Callable[[], float]) -> dict[str, Any]:
    """Return the median milliseconds of each, and how many times faster it is than the first; one round warms up."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(-1, rounds):
        for name, run in runs.items():
            started = clock()
            run()
            if number >= 0:
                times[name].append((clock() - started) * 1000)
    first, *others = times
    return {
        "median_ms": {name: round(statistics.median(taken), 4) for name, taken in times.items()},
        "times_faster": {name: ratios(times[first], times[name]) for name in others},
    }


def _session(graph: Path, threads: int, change: Change) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.enable_mem_pattern = False
    if change is not _spinning:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    change(options)
    return onnxruntime.InferenceSession(graph, options, providers=[PROVIDER], disabled_optimizers=HARMFUL)


def _plain(session: onnxruntime.InferenceSession) -> Run:
    return lambda image: session.run(None, {"image": image})


def _bound(session: onnxruntime.InferenceSession) -> Run:
    binding = session.io_binding()
    for output in session.get_outputs():
        binding.bind_output(output.name)

    def see(image: Image) -> object:
        binding.bind_cpu_input("image", image)
        session.run_with_iobinding(binding)
        return binding.copy_outputs_to_cpu()

    return see


def _bound_step(session: onnxruntime.InferenceSession, step: dict[str, NDArray[Any]]) -> Callable[[], object]:
    """Bind inputs and outputs once, to memory that stays; what a loop of steps has to copy comes on top."""
    binding = session.io_binding()
    held = [np.empty_like(output) for output in session.run(None, step)]
    for name, array in step.items():
        binding.bind_input(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)
    for output, array in zip(session.get_outputs(), held, strict=True):
        binding.bind_output(output.name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)

    def run() -> object:
        session.run_with_iobinding(binding)
        return held

    return run
