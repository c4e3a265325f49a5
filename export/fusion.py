"""Proof that ONNX Runtime really runs an INT8 graph in integers.

It silently falls back to float where a pattern does not fuse, and then dequantizes weights at every run: right results,
many times slower. So the optimized graph is looked at.
"""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import onnx
import onnxruntime
from onnx import ModelProto, NodeProto

from export.errors import ExportError

CONVOLUTIONS = {"Conv", "FusedConv"}
PRODUCTS = {"Gemm", "FusedGemm", "MatMul", "FusedMatMul"}
"""Operators that multiply by weights in float."""

FEW = 1024
"""A product with fewer weights may stay in float: quantizing the attention's score vector would save nothing."""

INTEGER = {"QLinearConv", "QLinearAdd", "QLinearAveragePool", "QGemm", "MatMulNBits", "DynamicQuantizeMatMul"}


def prove_fusion(model: ModelProto, name: str, kept: Collection[str] = ()) -> Counter[str]:
    """Check that nothing which should be INT8 is float after optimization.

    Args:
        name: for messages.
        kept: the convolutions that are to stay in float; counted, for ONNX Runtime renames what it lays out anew.

    Returns:
        The integer operators, with how often each is there.

    Raises:
        ExportError: a float product or a weight's DequantizeLinear is left, naming the first.
    """
    graph = optimized(model, name).graph
    weights = {item.name: item for item in graph.initializer}
    floats = [item for item in graph.node if _is_float_product(item, weights)]
    left = [item for item in graph.node if _unpacks_weights(item, weights)]
    if len(floats) > len(kept):
        left = floats + left
    if left:
        raise ExportError(
            f"{name}: ONNX Runtime {onnxruntime.__version__} would run {len(left)} INT8 layers in float "
            f"(the first: {left[0].op_type} {left[0].name}); this is a bug of the export or of that version"
        )
    return Counter(item.op_type for item in graph.node if item.op_type in INTEGER)


def _is_float_product(item: NodeProto, weights: dict[str, onnx.TensorProto]) -> bool:
    if item.op_type in CONVOLUTIONS:
        return True
    if item.op_type not in PRODUCTS:
        return False
    weight = weights.get(item.input[1])
    if weight is None:  # two activations, or weights that are unpacked at run time, which is caught there
        return False
    return bool(math.prod(weight.dims) > FEW)


def _unpacks_weights(item: NodeProto, weights: dict[str, onnx.TensorProto]) -> bool:
    return item.op_type == "DequantizeLinear" and item.input[0] in weights


def optimized(model: ModelProto, name: str) -> ModelProto:
    """Return the graph as ONNX Runtime rewrites it for this processor.

    Raises:
        ExportError: it can't load the graph.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # it warns that an optimized graph is only for this machine: just what is wanted
    # Signed activations fuse by default only where they are fast, on Arm; here it's asked whether they would.
    options.add_session_config_entry("session.qdqisint8allowed", "1")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "optimized.onnx"
        options.optimized_model_filepath = str(file)
        try:
            onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime raises its own kinds, which share no base class
            raise ExportError(f"{name}: ONNX Runtime can't load it ({str(error).splitlines()[0]})") from error
        return onnx.load(file)
