"""FP16 graph + ranges -> Q/DQ form that TensorRT runs in INT8 ("explicit quantization").

It accepts s8 around zero only, a scale a tensor for activations and a scale an output channel for weights; scales and
biases are FP16 like everything else. A product's input goes through integers, its output does not: what comes after it
(a clamp, a sum) is merged into it, and the next product's input is where the rounding is due.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto

from calibration.ranges import Range
from export.qdq import mean_error
from export.surgery import Surgery, node

LARGEST = 127
"""Of the integers on both sides of zero."""

CHANNELS = 16
"""Input channels of a filter that INT8 is for. Integer kernels take so many or more at once: for the first layer's 3 and
a depthwise filter's 1 they have none in some versions (NVIDIA/TensorRT issues 3385, 4060), and FP16 is as quick."""


def quantize_products(
    model: ModelProto,
    ranges: Mapping[str, Range],
    means: Mapping[str, Sequence[float]],
    products: Collection[str],
) -> ModelProto:
    """Quantize weights and inputs of convolutions and matrix products.

    Args:
        model: in FP16.
        ranges: of every product's input, from the calibration table.
        means: of every channel of the convolutions' inputs, from there too.
        products: names of the nodes, which have constant weights, output channels first.
    """
    surgery = Surgery(model)
    chosen = [item for item in surgery.nodes if item.name in products]
    for product in chosen:
        _quantize_weights(surgery, product, means.get(product.input[0]))
    for tensor in dict.fromkeys(product.input[0] for product in chosen):
        _quantize_input(surgery, tensor, ranges[tensor], chosen)
    for clip in [item for item in surgery.nodes if item.op_type == "Clip"]:
        _leave_upper_bound(surgery, clip)
    return surgery.finish()


def products_of_regions(encoder: ModelProto, kept: Collection[str] = ()) -> list[str]:
    """Return the names of the convolutions that gain from INT8: over a grid, with many channels, and not in `kept`.

    One that reads the average is a matrix times a vector, bound by launching it: FP16.
    """
    shapes = {item.name: item.dims for item in encoder.graph.initializer}
    averages = {name for item in encoder.graph.node if item.op_type == "AveragePool" for name in item.output}
    return [
        item.name
        for item in encoder.graph.node
        if item.op_type == "Conv"
        and shapes[item.input[1]][1] >= CHANNELS
        and item.input[0] not in averages
        and item.name not in kept
    ]


def products_of_words(decoder: ModelProto) -> list[str]:
    """Return the names of the decoder's products with weights."""
    return [item.name for item in decoder.graph.node if item.op_type == "Gemm"]


def _quantize_weights(surgery: Surgery, product: NodeProto, mean: Sequence[float] | None) -> None:
    tensor = product.input[1]
    name = tensor.removesuffix(".weight")
    weight = surgery.constant(tensor).astype(np.float32)
    scale = scale_of(np.abs(weight).reshape(len(weight), -1).max(1))
    wide = scale.astype(np.float32).reshape(-1, *[1] * (weight.ndim - 1))
    integers = np.clip(np.round(weight / wide), -LARGEST, LARGEST).astype(np.int8)
    if mean is not None:
        bias = surgery.constant(product.input[2]) - mean_error(weight, integers * wide, np.array(mean))
        product.input[2] = surgery.add(f"{name}.bias_corrected", bias.astype(np.float16))
    inputs = [
        surgery.add(f"{name}.weight_int", integers),
        surgery.add(f"{name}.weight_scale", scale),
        surgery.add(f"{name}.weight_zero", np.zeros(len(weight), np.int8)),
    ]
    real = node("DequantizeLinear", inputs, [f"{name}.weight_real"], f"{name}.weight_dequantize", axis=0)
    readers = surgery.consumers(tensor)  # the output layer's weights are the embedding, too ("tied")
    surgery.insert_before(readers[0], [real])
    _read(readers, tensor, real.output[0])


def _quantize_input(surgery: Surgery, tensor: str, limits: Range, products: Sequence[NodeProto]) -> None:
    """Let products, and sums (the other input of a residual block's), see a tensor through integers."""
    scale = surgery.add(f"{tensor}.scale", scale_of(np.abs(limits).max()))
    zero = surgery.add("zero", np.array(0, np.int8))
    readers = [item for item in surgery.consumers(tensor) if item.op_type == "Add" or item in products]
    surgery.insert_before(
        readers[0],
        [
            node("QuantizeLinear", [tensor, scale, zero], [f"{tensor}.int"], f"{tensor}.quantize"),
            node("DequantizeLinear", [f"{tensor}.int", scale, zero], [f"{tensor}.real"], f"{tensor}.dequantize"),
        ],
    )
    _read(readers, tensor, f"{tensor}.real")


def _read(readers: Sequence[NodeProto], tensor: str, instead: str) -> None:
    for reader in readers:
        reader.input[:] = [instead if name == tensor else name for name in reader.input]


def _leave_upper_bound(surgery: Surgery, clip: NodeProto) -> None:
    """Write ReLU6 as ReLU where only a QuantizeLinear reads it: saturation is the upper bound.

    TensorRT has INT8 depthwise kernels that end in ReLU, and none for other activations (NVIDIA/TensorRT issue 3385).
    """
    if {item.op_type for item in surgery.consumers(clip.output[0])} == {"QuantizeLinear"}:
        surgery.replace(clip, [node("Relu", clip.input[:1], list(clip.output), clip.name)])


def scale_of(largest: NDArray[Any]) -> NDArray[np.float16]:
    """Return the step that lets LARGEST reach the largest absolute value, rounded up to what FP16 can hold."""
    exact = np.asarray(largest / LARGEST)
    scale = exact.astype(np.float16)
    scale = np.where(scale < exact, np.nextafter(scale, np.float16(np.inf)), scale)
    return np.maximum(scale, np.finfo(np.float16).smallest_subnormal)
