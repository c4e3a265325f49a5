"""Where the INT8 encoder's time goes, and how near that is to what the processor can do.

ONNX Runtime times each node of the graph as it runs it. A convolution's products a second are held against the most
that the same library gets out of one core of this processor: a large product of matrices, in bytes and in fp32. Where
an encoder multiplies at that rate, no kernel makes it faster; and INT8 can be no more times faster than fp32 than the
two peaks are apart, but for the time that fp32 spends otherwise.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper

from edge_caption.model.backends.onnx import HARMFUL, PROVIDER
from edge_caption.model.bundle import open_bundle

ROWS, INNER, COLUMNS = 512, 1024, 1024
"""Of the product that shows the peak; it fills every core's registers and stays in its cache."""


class Timed(NamedTuple):
    """A node of the graph as ONNX Runtime runs it."""

    kind: str
    milliseconds: float
    products: int
    """Multiplications that it takes; 0 where it does not multiply by weights."""


def measure(bundle: Path | None, flavour: str | None, rounds: int) -> dict[str, Any]:
    """Return the peaks, and for each kind of node time, products and their share of the peak; one thread."""
    opened = open_bundle(bundle)
    flavour, encoder, _ = opened.graphs(flavour)
    side = opened.manifest.sizes.side
    image = np.random.default_rng(0).integers(0, 256, (1, side, side, 3), np.uint8)
    peaks = {"int8": peak(TensorProto.UINT8, rounds), "fp32": peak(TensorProto.FLOAT, rounds)}
    kinds: dict[str, list[Timed]] = defaultdict(list)
    for node in time_nodes(encoder, image, rounds):
        kinds[node.kind].append(node)
    total = sum(node.milliseconds for nodes in kinds.values() for node in nodes)
    products = sum(node.products for nodes in kinds.values() for node in nodes)
    return {
        "flavour": flavour,
        "threads": 1,
        "peak_gmac_per_s": {name: round(value, 1) for name, value in peaks.items()},
        "int8_over_fp32": round(peaks["int8"] / peaks["fp32"], 2),
        "encoder_ms": round(total, 3),
        "mmac": round(products / 1e6, 1),
        "ms_at_peak": round(products / peaks["int8"] / 1e6, 3),
        "kinds": {
            name: _row(nodes, peaks["int8"])
            for name, nodes in sorted(kinds.items(), key=lambda item: -sum(one.milliseconds for one in item[1]))
        },
    }


def _row(nodes: list[Timed], peak_rate: float) -> dict[str, float]:
    spent, products = sum(node.milliseconds for node in nodes), sum(node.products for node in nodes)
    row: dict[str, float] = {"nodes": len(nodes), "ms": round(spent, 3)}
    if products:
        rate = products / spent / 1e6
        row |= {"mmac": round(products / 1e6, 1), "gmac_per_s": round(rate, 1), "of_peak": round(rate / peak_rate, 3)}
    return row


def peak(kind: int, rounds: int) -> float:
    """Return the most products a second, in 1e9, of two large matrices: bytes into int32, or fp32."""
    integers = kind == TensorProto.UINT8
    weights = np.ones((INNER, COLUMNS), np.int8 if integers else np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger" if integers else "MatMul", ["rows", "weights"], ["products"])],
        "peak",
        [helper.make_tensor_value_info("rows", kind, (ROWS, INNER))],
        [helper.make_tensor_value_info("products", TensorProto.INT32 if integers else kind, (ROWS, COLUMNS))],
        [onnx.numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), _options(), providers=[PROVIDER])
    rows = np.ones((ROWS, INNER), np.uint8 if integers else np.float32)
    return ROWS * INNER * COLUMNS / min(_seconds(session, rows) for _ in range(rounds)) / 1e9


def _seconds(session: onnxruntime.InferenceSession, rows: NDArray[Any]) -> float:
    started = time.perf_counter()
    session.run(None, {"rows": rows})
    return time.perf_counter() - started


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return options


def time_nodes(graph: Path, image: NDArray[np.uint8], rounds: int) -> Iterator[Timed]:
    """Run a graph so often; yield the median of each node that is left of it after optimization."""
    with tempfile.TemporaryDirectory() as folder:
        options, optimized = _options(), Path(folder) / "optimized.onnx"
        options.optimized_model_filepath = str(optimized)
        options.enable_profiling, options.profile_file_prefix = True, str(Path(folder) / "profile")
        session = onnxruntime.InferenceSession(graph, options, providers=[PROVIDER], disabled_optimizers=HARMFUL)
        for _ in range(rounds):
            session.run(None, {"image": image})
        events = json.loads(Path(session.end_profiling()).read_bytes())
        model = onnx.load(optimized, load_external_data=False).graph
    nodes = {node.name: node for node in model.node}
    shapes = {item.name: list(item.dims) for item in model.initializer}
    times: dict[str, list[float]] = defaultdict(list)
    made: dict[str, list[int]] = {}
    for event in events:
        name = event["name"].removesuffix("_kernel_time")
        if event.get("cat") == "Node" and name != event["name"] and name in nodes:
            times[name].append(event["dur"] / 1000)
            (made[name],) = event["args"]["output_type_shape"][0].values()
    for name, spent in times.items():
        kind, products = _kind(nodes[name], shapes, made[name])
        yield Timed(kind, statistics.median(spent), products)


def _kind(node: NodeProto, shapes: dict[str, list[int]], made: list[int]) -> tuple[str, int]:
    """Return what a node is called here, and its products: outputs times the weights of each."""
    weights = next((shapes[name] for name in node.input[1:4] if len(shapes.get(name, ())) == 4), None)
    if "Conv" not in node.op_type or weights is None:
        return node.op_type, 0
    group = next((item.i for item in node.attribute if item.name == "group"), 1)
    size = f"{weights[2]}x{weights[3]}"
    kind = f"depthwise {size}" if group > 1 else "pointwise" if size == "1x1" else f"convolution {size}"
    return kind, int(np.prod(made)) * int(np.prod(weights[1:]))
