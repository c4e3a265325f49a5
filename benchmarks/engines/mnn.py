"""Alibaba's MNN, through its own converter."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_caption.errors import BackendError
from edge_caption.model.backends.session import Arrays

NAMES = {
    "encoder": (["image"], ["regions", "keys", "state"]),
    "decoder": (["token", "state", "regions", "keys"], ["log_probs", "next_state", "attention"]),
}
"""Inputs and outputs of each graph."""


class MnnSession:
    """A graph in MNN."""

    def __init__(self, graph: Path, threads: int) -> None:
        """Convert and load it.

        Raises:
            ImportError: MNN is not installed.
            BackendError: the converter refuses the graph, or what it writes does not run.
        """
        import MNN

        self._inputs, outputs = NAMES["encoder" if "encoder" in graph.name else "decoder"]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "graph.mnn"
            _convert(graph, file)
            manager = MNN.nn.create_runtime_manager(({"backend": "CPU", "numThread": threads},))
            self._module = MNN.nn.load_module_from_file(str(file), self._inputs, outputs, runtime_manager=manager)
        self._expressions = MNN.expr

    def run(self, **inputs: NDArray[Any]) -> Arrays:
        """Return the outputs in the graph's order.

        Raises:
            BackendError: MNN gives none.
        """
        made = [
            self._expressions.const(inputs[name], list(inputs[name].shape), self._expressions.NCHW, _kind(inputs[name]))
            for name in self._inputs
        ]
        outputs = [one.read() for one in self._module.forward(made)]
        if not outputs or any(one is None for one in outputs):
            raise BackendError("MNN converts it, then computes a wrong shape for it and gives no output")
        return [np.array(one) for one in outputs]


def _kind(array: NDArray[Any]) -> Any:
    import MNN

    return {"uint8": MNN.expr.uint8, "float32": MNN.expr.float, "int64": MNN.expr.int64}[array.dtype.name]


def _convert(graph: Path, file: Path) -> None:
    program = Path(sys.executable).with_name("mnnconvert")
    command = [str(program), "-f", "ONNX", "--modelFile", str(graph), "--MNNModel", str(file), "--bizCode", "bench"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not file.exists():
        lines = [line for line in (done.stdout + done.stderr).splitlines() if "Not Support" in line]
        raise BackendError(f"its converter refuses the graph: {lines[0].partition(': ')[2] if lines else 'no reason'}")
