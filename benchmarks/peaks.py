"""The most that one core of this processor can do: products a second, and bytes a second."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper

from benchmarks.node_times import Timed, one_thread
from edge_caption.model.backends.onnx import PROVIDER

ROWS, INNER, COLUMNS = 512, 1024, 1024
"""Of the product that shows the peak; it fills every core's registers and stays in its cache."""


class Peaks(NamedTuple):
    """What one core of this processor can do."""

    int8: float
    """1e9 products a second."""
    fp32: float
    bandwidth: float
    """1e9 bytes a second, of arrays that are as large as the encoder's and the decoder's weights."""

    def milliseconds(self, node: Timed) -> float:
        """Return the least time that a node can take: its products at the peak or its bytes at the bandwidth."""
        return max(node.products / self.int8, node.moved / self.bandwidth) / 1e6


def bandwidth(size: int, rounds: int) -> float:
    """Return the most bytes a second, in 1e9, that one core reads of arrays of so many bytes, from wherever they lie.

    The sum of two arrays' products reads both once and does next to nothing else.
    """
    one, other = (np.ones(size // 8, np.float32) for _ in range(2))
    times = []
    for _ in range(rounds * 5):
        started = time.perf_counter()
        np.dot(one, other)
        times.append(time.perf_counter() - started)
    return 2 * one.nbytes / min(times) / 1e9


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
    session = onnxruntime.InferenceSession(model.SerializeToString(), one_thread(), providers=[PROVIDER])
    rows = np.ones((ROWS, INNER), np.uint8 if integers else np.float32)
    return ROWS * INNER * COLUMNS / min(_seconds(session, rows) for _ in range(rounds)) / 1e9


def _seconds(session: onnxruntime.InferenceSession, rows: NDArray[Any]) -> float:
    started = time.perf_counter()
    session.run(None, {"rows": rows})
    return time.perf_counter() - started
