"""Ways to run a graph on a device: a file each, and an entry in BACKENDS."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge_caption.errors import BackendError
from edge_caption.model.backends.session import Session


@dataclass(frozen=True)
class Backend:
    """A way to run graphs."""

    open: Callable[[Path, int], Session]
    """Make a session of a graph and a number of CPU threads; raises BackendError, or ImportError for its package."""
    packages: tuple[str, ...]
    """What it imports, the first that is there; the extra that is called as the backend brings one."""
    flavours: tuple[str, ...]
    """What it runs well: the machine's own if that is among them, else the first."""
    decoder: str
    """The backend that runs the decoder beside it."""
    automatic: bool = True
    """Whether `auto` may choose it."""

    @property
    def installed(self) -> bool:
        """Whether its package is there; whether that works shows when a session is made."""
        return any(importlib.util.find_spec(package) is not None for package in self.packages)


def _onnxruntime(graph: Path, threads: int) -> Session:
    from edge_caption.model.backends.onnx import OnnxSession

    return OnnxSession(graph, threads)


def _openvino(graph: Path, threads: int) -> Session:
    from edge_caption.model.backends.openvino import OpenVinoSession

    return OpenVinoSession(graph, threads)


def _tensorrt(graph: Path, _: int) -> Session:
    from edge_caption.model.backends.tensorrt import TensorRTSession

    return TensorRTSession(graph)


REFERENCE = "onnxruntime"
"""Always installed, the default, and what every other backend must agree with."""

BACKENDS: dict[str, Backend] = {
    REFERENCE: Backend(_onnxruntime, ("onnxruntime",), ("cpu-x86", "cpu-arm", "fp32"), decoder=REFERENCE),
    # It can't read the INT8 decoder, and where it can, a step takes nearly three times as long as in ONNX Runtime.
    # On x86, too, it is quickest with signed integers: cpu-x86's first convolution is laid out for ONNX Runtime.
    "openvino": Backend(_openvino, ("openvino",), ("cpu-arm", "fp32"), decoder=REFERENCE),
    # Engines take minutes to build and their flavours say other sentences: only for those who ask for it.
    "tensorrt": Backend(
        _tensorrt, ("tensorrt", "tensorrt_rtx"), ("trt", "fp16", "trt-int8"), decoder="tensorrt", automatic=False
    ),
}


def open_session(backend: str, graph: Path, threads: int) -> Session:
    """Make a graph ready to run.

    Args:
        backend: a key of BACKENDS.
        graph: an ONNX file.
        threads: of the CPU.

    Raises:
        BackendError: the backend is not installed, or can't run the graph.
    """
    try:
        return BACKENDS[backend].open(graph, threads)
    except (ImportError, OSError) as error:  # OSError: a library that the package loads is missing
        raise BackendError(
            f"the backend {backend} can't be loaded ({error}); pip install 'edge-caption[{backend}]'"
        ) from error
