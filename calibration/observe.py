"""A graph that lets its activations be watched while it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper

from edge_caption.model.backends.session import Arrays

Activations = Mapping[str, NDArray[np.float32]]
Watcher = Callable[[Activations], None]

CLAMPS = {"Clip", "Relu"}


class Observed:
    """A session (as the runtime's encoder and decoder take it) that shows every activation of each run to watchers."""

    def __init__(self, model: ModelProto, watchers: Sequence[Watcher]) -> None:
        self._outputs = _outputs(model)
        self._watched = watched_tensors(model)
        self._inputs = _float_inputs(model)
        self._watchers = watchers
        self._session = _session_with_outputs(model, self._watched)

    def run(self, **inputs: NDArray[Any]) -> Arrays:
        """Run the graph once; returns its own outputs."""
        wanted = [*self._outputs, *self._watched]
        results: Arrays = self._session.run(wanted, inputs)
        seen = dict(zip(wanted, results, strict=True)) | {name: inputs[name] for name in self._inputs}
        for watch in self._watchers:
            watch(seen)
        return results[: len(self._outputs)]


def side_of(encoder: ModelProto) -> int:
    """Return the width and height of what an encoder sees, in pixels."""
    return int(encoder.graph.input[0].type.tensor_type.shape.dim[1].dim_value)


def watched_tensors(model: ModelProto) -> list[str]:
    """Return the float tensors that nodes compute, graph outputs aside.

    What feeds nothing is left out, and what only feeds a clamp: the clamp's output is what gets quantized, with the
    clamp merged into it.
    """
    inferred = onnx.shape_inference.infer_shapes(model).graph
    types = {info.name: info.type.tensor_type.elem_type for info in inferred.value_info}
    readers: dict[str, set[str]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, set()).add(node.op_type)
    tensors = [name for node in model.graph.node for name in node.output]
    return [name for name in tensors if types.get(name) == TensorProto.FLOAT and not readers.get(name, set()) <= CLAMPS]


def observed_tensors(model: ModelProto) -> dict[str, list[int]]:
    """Return all that watchers get to see, and its dimensions; 0 is one that the graph leaves open."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    shapes = {
        info.name: [size.dim_value for size in info.type.tensor_type.shape.dim]
        for info in (*graph.input, *graph.value_info, *graph.output)
    }
    return {name: shapes[name] for name in (*_float_inputs(model), *watched_tensors(model), *_outputs(model))}


def _outputs(model: ModelProto) -> list[str]:
    return [output.name for output in model.graph.output]


def _float_inputs(model: ModelProto) -> list[str]:
    inputs = model.graph.input
    return [info.name for info in inputs if info.type.tensor_type.elem_type == TensorProto.FLOAT]


def _session_with_outputs(model: ModelProto, tensors: list[str]) -> onnxruntime.InferenceSession:
    shown = ModelProto()
    shown.CopyFrom(model)
    shown.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in tensors)
    options = onnxruntime.SessionOptions()
    options.enable_cpu_mem_arena = False  # the arena would keep the peak of every activation at once
    # Between two runs numpy counts; a worker that spins meanwhile would take a core from it.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    providers = ["CPUExecutionProvider"]
    return onnxruntime.InferenceSession(shown.SerializeToString(), options, providers=providers)
