"""ONNX file -> TensorRT engine. Precision comes from the graph alone ("strongly typed")."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_caption.errors import BackendError
from edge_caption.model.backends.session import MAX_BEAMS
from edge_caption.model.backends.tensorrt_library import Library

FLAGS = f"strongly typed, 1 to {MAX_BEAMS} rows"
"""What an engine is built with beside its graph; part of what it is known by."""

Progress = Callable[[str, int, int], None]
"""Takes a phase of the build, its steps that are done and how many it has; may raise KeyboardInterrupt."""


@dataclass(frozen=True)
class Built:
    """An engine, and what it does not tell by itself."""

    engine: bytes
    outputs: list[str]
    """In the graph's order."""
    timings: bytes
    """What was measured on the way, to build sooner next time; nothing of TensorRT-RTX, which measures nothing."""


def silently(phase: str, done: int, steps: int) -> None:
    """Build without showing how far it is."""


def build(library: Library, graph: bytes, name: str, timings: bytes = b"", progress: Progress = silently) -> Built:
    """Build an engine; seconds to minutes.

    Args:
        graph: the ONNX file.
        name: of the graph, for messages.
        timings: of an earlier build with this version on this GPU.

    Raises:
        BackendError: TensorRT can't parse or build it, with its first reason.
        KeyboardInterrupt: Ctrl-C, or `progress` raised it.
    """
    with _noting_interrupts() as interrupted:
        built = _build(library, graph, name, timings, progress, interrupted)
    if interrupted.is_set():
        raise KeyboardInterrupt
    if built is None:
        raise BackendError(f"{library.version} can't build {name} ({library.reason()}); use another flavour")
    return built


def _build(
    library: Library, graph: bytes, name: str, timings: bytes, progress: Progress, interrupted: threading.Event
) -> Built | None:
    trt = library.module
    builder = trt.Builder(library.logger)
    network = builder.create_network(_creation_flags(trt))
    _parse(library, network, graph, name)
    config = builder.create_builder_config()
    _let_rows_vary(builder, config, network)
    cache = None if library.is_rtx else _timing_cache(config, timings)
    config.progress_monitor = _monitor(trt, progress, interrupted)
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        return None
    outputs = [network.get_output(index).name for index in range(network.num_outputs)]
    return Built(bytes(engine), outputs, b"" if cache is None else bytes(config.get_timing_cache().serialize()))


def read_graph(file: Path) -> bytes:
    """Return an ONNX file's bytes.

    Raises:
        BackendError: it can't be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise BackendError(f"{file} can't be read ({error.strerror}); copy the whole bundle again") from error


def _creation_flags(trt: Any) -> int:
    # TensorRT 11 knows no other kind of network, and may come to lack the name for it.
    flag = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    return 0 if flag is None else 1 << int(flag)


def _parse(library: Library, network: Any, graph: bytes, name: str) -> None:
    parser = library.module.OnnxParser(network, library.logger)
    if not parser.parse(graph):
        reason = parser.get_error(0).desc() if parser.num_errors else library.reason()
        raise BackendError(
            f"{library.version} can't run {name} ({reason.splitlines()[0]}); it takes the flavours trt and fp16"
        )


def _let_rows_vary(builder: Any, config: Any, network: Any) -> None:
    """Allow 1 to MAX_BEAMS rows, and be quickest with one."""
    profile = builder.create_optimization_profile()
    inputs = [network.get_input(index) for index in range(network.num_inputs)]
    free = [tensor for tensor in inputs if -1 in tuple(tensor.shape)]
    for tensor in free:
        shapes = [tuple(rows if size < 0 else size for size in tensor.shape) for rows in (1, 1, MAX_BEAMS)]
        profile.set_shape(tensor.name, *shapes)
    if free:
        config.add_optimization_profile(profile)


def _timing_cache(config: Any, timings: bytes) -> Any:
    """Let the build begin with what an earlier one measured; what is of another version or damaged is left aside."""
    cache = config.create_timing_cache(timings)
    if cache is None or not config.set_timing_cache(cache, ignore_mismatch=False):
        cache = config.create_timing_cache(b"")
        config.set_timing_cache(cache, ignore_mismatch=False)
    return cache


@contextmanager
def _noting_interrupts() -> Iterator[threading.Event]:
    """Note a Ctrl-C that would raise KeyboardInterrupt: raised in one of TensorRT's callbacks, it would be lost.

    A second one ends the program at once.
    """
    interrupted = threading.Event()
    raises = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not raises or threading.current_thread() is not threading.main_thread():
        yield interrupted
        return

    def note(number: int, _: object) -> None:
        interrupted.set()
        signal.signal(number, signal.SIG_DFL)

    signal.signal(signal.SIGINT, note)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _monitor(trt: Any, progress: Progress, interrupted: threading.Event) -> Any:
    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        """Passes on how far the build is, and ends it when it is interrupted."""

        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self._steps: dict[str, int] = {}

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            self._steps[phase_name] = num_steps

        def step_complete(self, phase_name: str, step: int) -> bool:
            try:
                progress(phase_name, step + 1, self._steps.get(phase_name, 0))
            except KeyboardInterrupt:
                interrupted.set()
            return not interrupted.is_set()

        def phase_finish(self, phase_name: str) -> None:
            self._steps.pop(phase_name, None)

    return Monitor()
