"""fp32 graphs -> FP16 graphs, typed throughout: what TensorRT runs without INT8, and what its INT8 is put into.

TensorRT 11 takes precision from the graph alone, and TensorRT 10 does so when told to ("strongly typed"). So every
tensor is FP16, but for what a device hands in or calculates with: the photo's bytes, tokens, and in float32
log-probabilities, whose sums rank sentences, and attention. Regions, keys and states only go from one graph to the
other, so they stay FP16.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto

from export.surgery import Surgery, node

CALCULATED_WITH = ("log_probs", "attention")
"""Outputs that stay float32."""


def to_half(model: ModelProto) -> ModelProto:
    """Rewrite an encoder or a decoder."""
    surgery = Surgery(model)
    surgery.convert(_halved)
    for cast in [item for item in surgery.nodes if item.op_type == "Cast"]:
        cast.attribute[0].i = TensorProto.FLOAT16
    for info in (*surgery.model.graph.input, *surgery.model.graph.output):
        if info.type.tensor_type.elem_type == TensorProto.FLOAT and info.name not in CALCULATED_WITH:
            info.type.tensor_type.elem_type = TensorProto.FLOAT16
    _cast_bytes_first(surgery)
    _widen_outputs(surgery)
    return surgery.finish()


def _halved(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(np.float16) if array.dtype == np.float32 else array


def _cast_bytes_first(surgery: Surgery) -> None:
    """Let `image` go into its Cast before it is transposed: TensorRT does nothing else with bytes."""
    for transpose in surgery.consumers("image"):
        (cast,) = surgery.consumers(transpose.output[0])
        shuffled, real = transpose.output[0], cast.output[0]
        cast.input[0], cast.output[0] = "image", shuffled
        transpose.input[0], transpose.output[0] = shuffled, real
        surgery.replace(cast, [])
        surgery.insert_before(transpose, [cast])


def _widen_outputs(surgery: Surgery) -> None:
    for name in CALCULATED_WITH:
        producer = surgery.producer(name)
        if producer is None:
            continue
        if producer.op_type == "LogSoftmax":  # whose sum over thousands of words is better not rounded
            wide = f"{producer.input[0]}.wide"
            surgery.insert_before(producer, [_widen(producer.input[0], wide)])
            producer.input[0] = wide
        else:
            surgery.rename({name: f"{name}.half"})
            surgery.replace(producer, [producer, _widen(f"{name}.half", name)])


def _widen(tensor: str, wide: str) -> NodeProto:
    return node("Cast", [tensor], [wide], f"{tensor}.widen", to=TensorProto.FLOAT)
