"""ONNX Runtime on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnxruntime
from numpy.typing import NDArray

from edge_caption.errors import BackendError
from edge_caption.model.backends.session import Arrays
from edge_caption.model.bundle import Shape

PROVIDER = "CPUExecutionProvider"

HARMFUL = ["WeightBiasQuantization"]
"""Optimizers that are left out. This one makes FP16 biases int32, at a product of scales that FP16 can't hold: with
ONNX Runtime 1.32 the flavour trt then sees noise. The CPU flavours' biases are int32 as they come."""


class OnnxSession:
    """A graph in ONNX Runtime."""

    def __init__(self, graph: Path, threads: int) -> None:
        """Load it.

        Raises:
            BackendError: this ONNX Runtime can't run the graph.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Between two frames a spinning worker would burn a core for nothing.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Without a plan for it the arena grows piece by piece and stays small; without the arena each run would beg the
        # system for every tensor anew.
        options.enable_mem_pattern = False
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                graph, options, providers=[PROVIDER], disabled_optimizers=HARMFUL
            )
        except Exception as error:  # ONNX Runtime raises its own kinds, which share no base class
            reason = str(error).splitlines()[0]
            raise BackendError(
                f"ONNX Runtime {onnxruntime.__version__} can't run {graph} ({reason}); update it"
            ) from error

    @property
    def shapes(self) -> dict[str, Shape]:
        """The inputs and outputs, in the graph's order."""
        tensors = [*self._session.get_inputs(), *self._session.get_outputs()]
        return {
            tensor.name: tuple(size if isinstance(size, int) else None for size in tensor.shape) for tensor in tensors
        }

    def run(self, **inputs: NDArray[Any]) -> Arrays:
        """Return the outputs in the graph's order."""
        outputs: Arrays = self._session.run(None, inputs)
        return outputs
