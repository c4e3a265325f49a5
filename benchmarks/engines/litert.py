"""LiteRT (TensorFlow Lite) with XNNPACK."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from benchmarks.engines.tflite import convert
from edge_caption.model.backends.session import Arrays


class LiteRtSession:
    """An encoder in LiteRT, converted from ONNX with the same weights and scales."""

    def __init__(self, graph: Path, threads: int) -> None:
        """Convert and load it.

        Raises:
            BackendError: it has an operator that is not converted.
        """
        self._interpreter = Interpreter(model_content=convert(graph), num_threads=threads)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [one["index"] for one in self._interpreter.get_output_details()]

    def run(self, **inputs: NDArray[Any]) -> Arrays:
        """Return the outputs in the graph's order."""
        (image,) = inputs.values()
        self._interpreter.set_tensor(self._input, image)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]
