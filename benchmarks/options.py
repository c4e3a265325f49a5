"""`python -m benchmarks options`: settings of ONNX Runtime that could make the encoder faster, beside what ships."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
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


def measure(bundle: Path | None, rounds: int, threads: int) -> dict[str, Any]:
    """Return each setting's milliseconds of the encoder, and how many times faster it is than what ships."""
    opened = open_bundle(bundle)
    _, encoder, _ = opened.graphs()
    image = to_input(frames()[0], opened.manifest.sizes.side)
    sessions = {name: _session(encoder, threads, change) for name, change in CHANGES.items()}
    runs: dict[str, Run] = {name: _plain(session) for name, session in sessions.items()}
    runs[BOUND] = _bound(sessions[SHIPPED])
    times: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(-1, rounds):
        for name, see in runs.items():
            started = time.perf_counter()
            see(image)
            if number >= 0:
                times[name].append((time.perf_counter() - started) * 1000)
    return {
        "threads": threads,
        "rounds": rounds,
        "median_ms": {name: round(statistics.median(taken), 3) for name, taken in times.items()},
        "times_faster": {name: ratios(times[SHIPPED], taken) for name, taken in times.items() if name != SHIPPED},
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
