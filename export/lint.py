"""Proof that TensorRT takes a graph, as far as can be told without it; where TensorRT-RTX is installed, that it builds.

The rules are those of TensorRT's ONNX parser (github.com/onnx/onnx-tensorrt) and of its explicit quantization.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, numpy_helper

from edge_caption.errors import BackendError
from edge_caption.model.backends.tensorrt_builder import build
from edge_caption.model.backends.tensorrt_library import RTX, load_library
from export.errors import ExportError

UNKNOWN = {"DynamicQuantizeLinear", "MatMulInteger", "ConvInteger", "QLinearConv", "QLinearMatMul"}
"""Operators of ONNX that it lacks."""


@dataclass(frozen=True)
class _Graph:
    constants: Mapping[str, NDArray[Any]]
    photos: set[str]
    """Inputs that are bytes."""


def prove_accepted(model: ModelProto, name: str) -> None:
    """Check a graph against what TensorRT is known to refuse.

    Raises:
        ExportError: naming the first node that it would refuse, and why.
    """
    graph = _Graph(
        {item.name: numpy_helper.to_array(item) for item in model.graph.initializer},
        {info.name for info in model.graph.input if info.type.tensor_type.elem_type == TensorProto.UINT8},
    )
    for constant, array in graph.constants.items():
        if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
            raise ExportError(f"{name}: {constant} has values that {array.dtype} can't hold; use the flavour fp32")
    for item in model.graph.node:
        for rule in RULES:
            if reason := rule(item, graph):
                raise ExportError(f"{name}: TensorRT would refuse {item.op_type} {item.name}: {reason}")


def prove_built(model: ModelProto, name: str) -> str | None:
    """Let TensorRT-RTX, which needs no GPU for it, parse and build a graph.

    Returns:
        Its name and version, or None where it is not installed.

    Raises:
        ExportError: it can't, with its reason.
    """
    try:
        library = load_library((RTX,))
    except BackendError:
        return None
    try:
        build(library, model.SerializeToString(deterministic=True), name)
    except BackendError as error:
        raise ExportError(str(error)) from error
    return library.version


def _operator(item: NodeProto, _: _Graph) -> str | None:
    if item.domain:
        return f"it has no operators of {item.domain}"
    return "it has no such operator" if item.op_type in UNKNOWN else None


def _bytes(item: NodeProto, graph: _Graph) -> str | None:
    read = graph.photos & set(item.input)
    return "a uint8 input may only be cast" if read and item.op_type != "Cast" else None


def _bias(item: NodeProto, graph: _Graph) -> str | None:
    data = graph.constants.get(item.input[0]) if item.op_type == "DequantizeLinear" else None
    return "an int32 bias; leave it in float" if data is not None and data.dtype == np.int32 else None


def _zero_point(item: NodeProto, graph: _Graph) -> str | None:
    if not _quantizes(item) or (_in_blocks(item) and len(item.input) == 2):
        return None
    zero = graph.constants.get(item.input[2]) if len(item.input) > 2 else None
    if zero is None:
        return "its zero point is no constant"
    if zero.dtype != np.int8:
        return f"its integers are {zero.dtype}, not int8"
    return "its zero point is not 0" if zero.any() else None


def _scale(item: NodeProto, graph: _Graph) -> str | None:
    if not _quantizes(item):
        return None
    scale = graph.constants.get(item.input[1])
    if scale is None:
        return "its scale is no constant"
    if item.op_type == "QuantizeLinear" and scale.size > 1:
        return "an activation has more than one scale"
    return None if (scale > 0).all() else "a scale is not above 0"


def _quantizes(item: NodeProto) -> bool:
    return item.op_type in ("QuantizeLinear", "DequantizeLinear")


def _in_blocks(item: NodeProto) -> bool:
    """Tell whether a part of a row has a scale, as 4-bit weights have."""
    return any(found.name == "block_size" and found.i for found in item.attribute)


RULES: tuple[Callable[[NodeProto, _Graph], str | None], ...] = (_operator, _bytes, _bias, _zero_point, _scale)
