"""How long each node of a graph takes in ONNX Runtime, what it multiplies and what it moves."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import NodeProto

from edge_caption.model.backends.onnx import HARMFUL, PROVIDER

Inputs = dict[str, NDArray[Any]]


class Timed(NamedTuple):
    """A node of the graph as ONNX Runtime runs it."""

    kind: str
    milliseconds: float
    products: int
    """Multiplications that it takes; 0 where it does not multiply by weights."""
    moved: int = 0
    """Bytes that it reads and writes: weights, inputs and outputs."""


def one_thread() -> onnxruntime.SessionOptions:
    """Return quiet options for one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return options


def time_nodes(graph: Path, inputs: Inputs, rounds: int) -> Iterator[Timed]:
    """Run a graph so often; yield the median of each node that is left of it after optimization."""
    with tempfile.TemporaryDirectory() as folder:
        options, optimized = one_thread(), Path(folder) / "optimized.onnx"
        options.optimized_model_filepath = str(optimized)
        options.enable_profiling, options.profile_file_prefix = True, str(Path(folder) / "profile")
        session = onnxruntime.InferenceSession(graph, options, providers=[PROVIDER], disabled_optimizers=HARMFUL)
        for _ in range(rounds):
            session.run(None, inputs)
        events = json.loads(Path(session.end_profiling()).read_bytes())
        model = onnx.load(optimized, load_external_data=False).graph
    nodes = {node.name: node for node in model.node}
    shapes = {item.name: list(item.dims) for item in model.initializer}
    times: dict[str, list[float]] = defaultdict(list)
    made: dict[str, list[int]] = {}
    moved: dict[str, int] = {}
    for event in events:
        name = event["name"].removesuffix("_kernel_time")
        if event.get("cat") == "Node" and name != event["name"] and name in nodes:
            times[name].append(event["dur"] / 1000)
            (made[name],) = event["args"]["output_type_shape"][0].values()
            moved[name] = sum(int(event["args"][size]) for size in ("activation_size", "output_size"))
    for name, spent in times.items():
        kind, products, weights = _kind(nodes[name], shapes, made[name])
        yield Timed(kind, statistics.median(spent), products, moved[name] + weights)


def _kind(node: NodeProto, shapes: dict[str, list[int]], made: list[int]) -> tuple[str, int, int]:
    """Return what a node is called here, its products (outputs times the weights of each) and its weights' bytes."""
    settings = {item.name: item.i for item in node.attribute}
    if node.op_type == "MatMulNBits":
        inner, columns = settings["K"], settings["N"]
        return f"{settings['bits']}-bit product", int(np.prod(made)) * inner, inner * columns * settings["bits"] // 8
    weights = next((shapes[name] for name in node.input[1:4] if len(shapes.get(name, ())) == 4), None)
    if "Conv" not in node.op_type or weights is None:
        return node.op_type, 0, 0
    size = f"{weights[2]}x{weights[3]}"
    kind = (
        f"depthwise {size}" if settings.get("group", 1) > 1 else "pointwise" if size == "1x1" else f"convolution {size}"
    )
    return kind, int(np.prod(made)) * int(np.prod(weights[1:])), int(np.prod(weights))
