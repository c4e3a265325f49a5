"""OpenVINO on the CPU."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from edge_caption.errors import BackendError
from edge_caption.model.backends.session import Arrays

# To import OpenVINO is to report it to Intel through Google Analytics. It does without the package that reports where
# that can't be imported, and so nothing leaves the device.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
import openvino  # noqa: E402

DEVICE = "CPU"

PROPERTIES: dict[str, Any] = {
    # Left alone, it computes what is not INT8 in bfloat16 where the processor can: 1.5 dB less signal to noise, and
    # other sentences on other processors.
    "INFERENCE_PRECISION_HINT": "f32",
    "NUM_STREAMS": 1,
    # A thread that is tied to a core waits for whatever else runs there.
    "ENABLE_CPU_PINNING": False,
}


class OpenVinoSession:
    """A graph in OpenVINO."""

    def __init__(self, graph: Path, threads: int) -> None:
        """Read and compile it.

        Raises:
            BackendError: this OpenVINO can't run the graph.
        """
        try:
            model = openvino.Core().compile_model(graph, DEVICE, {**PROPERTIES, "INFERENCE_NUM_THREADS": threads})
        except RuntimeError as error:
            raise BackendError(
                f"OpenVINO {openvino.__version__} can't run {graph} ({_reason(error)}); use the backend onnxruntime"
            ) from error
        self._request = model.create_infer_request()
        # One stream runs one picture at a time anyway, and more requests would only take memory.
        self._free = threading.Lock()

    def run(self, **inputs: NDArray[Any]) -> Arrays:
        """Return the outputs in the graph's order."""
        with self._free:
            outputs: Arrays = self._request.infer(inputs, share_inputs=True).to_tuple()
        return outputs


def _reason(error: RuntimeError) -> str:
    """Return what is to the point: above it OpenVINO names places in its own source, one a line."""
    lines = [line.strip() for line in str(error).splitlines()]
    return next((line for line in reversed(lines) if line), "no reason given").removeprefix("-- ").rstrip(".")
