"""FP16 graph + ranges -> Q/DQ form that TensorRT runs in INT8 ("explicit quantization").

It accepts s8 around zero only, a scale a tensor for activations and a scale an output channel for weights; scales and
biases are FP16 like everything else. A product's input goes through integers, its output does not: what comes after it
(a clamp, a sum) is merged into it, and the next product's input is where the rounding is due.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper

from calibration.observe import CLAMPS
from calibration.ranges import Range
from export.blocks import quantize_blocks
from export.qdq import mean_error
from export.surgery import Surgery, node

LARGEST = 127
"""Of the integers on both sides of zero."""

LOWEST, LEVELS = -128, 255
"""Of all s8 integers: the lowest, and how many steps there are from it to the highest."""

TINY = np.finfo(np.float16).smallest_subnormal
"""The smallest step."""

CHANNELS = 16
"""Input channels of a filter that INT8 is for. Integer kernels take so many or more at once; for the first layer's 3
and a depthwise filter's 1 some versions have none (NVIDIA/TensorRT issues 3385, 4060)."""

BLOCK = 64
"""4-bit weights of a row that share a scale. TensorRT-RTX 1.7.1 builds 16 and 32, too, which need more scales."""

INT4_OPSET = 21
"""The first in which DequantizeLinear has blocks."""


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
    return _Quantizer(model, ranges, means, products).quantize()


def store_weights(model: ModelProto, products: Collection[str], bits: int = 8) -> ModelProto:
    """Quantize the products' weights alone: fewer bytes to store and read, while a device multiplies in FP16.

    Args:
        model: in FP16.
        products: names of the nodes, as in `quantize_products`.
        bits: of a weight, 8 or 4; in 4 those alone that come in blocks of `BLOCK` and no lookup reads.
    """
    return _Quantizer(model, {}, {}, products, bits).quantize(inputs=False)


class _Quantizer:
    """The FP16 graph on its way to INT8."""

    def __init__(
        self,
        model: ModelProto,
        ranges: Mapping[str, Range],
        means: Mapping[str, Sequence[float]],
        products: Collection[str],
        bits: int = 8,
    ) -> None:
        self.surgery = Surgery(model)
        self.ranges, self.means, self.names, self.bits = ranges, means, products, bits
        self.shifts: dict[str, float] = {}
        """Tensor -> how much lower its values are than they were in FP16."""

    def quantize(self, *, inputs: bool = True) -> ModelProto:
        products = [item for item in self.surgery.nodes if item.name in self.names]
        read = dict.fromkeys(product.input[0] for product in products if inputs)
        scales = {tensor: self._scale(tensor) for tensor in read}
        for product in products:
            if self.bits == 4 and self._has_blocks(product.input[1]):
                self._quantize_blocks(product)
            else:
                self._quantize_weights(product)
        for tensor, scale in scales.items():
            self._quantize_input(tensor, scale)
        return self.surgery.finish()

    def _scale(self, tensor: str) -> NDArray[np.float16]:
        """Choose the step of a product's input; move what a clamp leaves down, so that it lies around zero."""
        clamp = self.surgery.producer(tensor)
        low, high = self.ranges[tensor]
        if clamp is None or clamp.op_type not in CLAMPS or not self._can_shift(clamp):
            return step_for(np.abs((low, high)).max(), LARGEST)
        assert low >= 0
        scale = step_for(np.array(high), LEVELS)
        self._shift(clamp, -LOWEST * float(scale))
        return scale

    def _can_shift(self, clamp: NodeProto) -> bool:
        """Tell whether only products without padding, which would have to be shifted too, read a clamp's output."""
        before = self.surgery.producer(clamp.input[0])
        readers = self.surgery.consumers(clamp.output[0])
        return (
            before is not None
            and before.op_type == "Conv"
            and all(reader.name in self.names and _reads_points(reader) for reader in readers)
        )

    def _shift(self, clamp: NodeProto, shift: float) -> None:
        """Lower a convolution's outputs, and drop its clamp: saturation of the integers does the same.

        Otherwise half of the integers would stand for negative values, which a ReLU never leaves.
        """
        before = self.surgery.producer(clamp.input[0])
        assert before is not None
        self._add_to_bias(before, -shift)
        before.output[0] = clamp.output[0]
        self.surgery.replace(clamp, [])
        self.shifts[clamp.output[0]] = shift

    def _has_blocks(self, tensor: str) -> bool:
        return not self.surgery.constant(tensor).shape[1] % BLOCK and len(self.surgery.consumers(tensor)) == 1

    def _quantize_blocks(self, product: NodeProto) -> None:
        tensor = product.input[1]
        name = tensor.removesuffix(".weight")
        weight = self.surgery.constant(tensor).astype(np.float32)
        integers, scales = quantize_blocks(weight, self.bits, BLOCK)
        inputs = [
            self.surgery.add(f"{name}.weight_int", integers.reshape(weight.shape).astype(ml_dtypes.int4)),
            self.surgery.add(f"{name}.weight_scale", np.maximum(scales, TINY).astype(np.float16)),
        ]
        real, dequantize = f"{name}.weight_real", f"{name}.weight_dequantize"
        self.surgery.insert_before(
            product, [node("DequantizeLinear", inputs, [real], dequantize, axis=1, block_size=BLOCK)]
        )
        product.input[1] = real
        self.surgery.require(INT4_OPSET)

    def _quantize_weights(self, product: NodeProto) -> None:
        tensor = product.input[1]
        name = tensor.removesuffix(".weight")
        weight = self.surgery.constant(tensor).astype(np.float32)
        scale = step_for(np.abs(weight).reshape(len(weight), -1).max(1), LARGEST)
        wide = scale.astype(np.float32).reshape(-1, *[1] * (weight.ndim - 1))
        integers = np.clip(np.round(weight / wide), -LARGEST, LARGEST).astype(np.int8)
        self._correct_bias(product, weight, integers * wide)
        inputs = [
            self.surgery.add(f"{name}.weight_int", integers),
            self.surgery.add(f"{name}.weight_scale", scale),
            self.surgery.add(f"{name}.weight_zero", np.zeros(len(weight), np.int8)),
        ]
        real = node("DequantizeLinear", inputs, [f"{name}.weight_real"], f"{name}.weight_dequantize", axis=0)
        readers = self.surgery.consumers(tensor)  # the output layer's weights are the embedding, too ("tied")
        self.surgery.insert_before(readers[0], [real])
        _read(readers, tensor, real.output[0])

    def _correct_bias(self, product: NodeProto, weight: NDArray[Any], rounded: NDArray[Any]) -> None:
        """Take back what rounding the weights adds on average, and what the input's shift takes away."""
        tensor = product.input[0]
        change = self.shifts.get(tensor, 0.0) * rounded.reshape(len(rounded), -1).sum(1, dtype=np.float64)
        if (mean := self.means.get(tensor)) is not None:
            change -= mean_error(weight, rounded, np.array(mean))
        if change.any():
            self._add_to_bias(product, change)

    def _add_to_bias(self, product: NodeProto, change: NDArray[Any] | float) -> None:
        bias = self.surgery.constant(product.input[2]) + np.asarray(change)
        product.input[2] = self.surgery.add(f"{product.input[2]}.changed", bias.astype(np.float16))

    def _quantize_input(self, tensor: str, scale: NDArray[np.float16]) -> None:
        """Let products, and sums (the other input of a residual block's), see a tensor through integers."""
        constants = [self.surgery.add(f"{tensor}.scale", scale), self.surgery.add("zero", np.array(0, np.int8))]
        readers = [item for item in self.surgery.consumers(tensor) if item.op_type == "Add" or item.name in self.names]
        self.surgery.insert_before(
            readers[0],
            [
                node("QuantizeLinear", [tensor, *constants], [f"{tensor}.int"], f"{tensor}.quantize"),
                node("DequantizeLinear", [f"{tensor}.int", *constants], [f"{tensor}.real"], f"{tensor}.dequantize"),
            ],
        )
        _read(readers, tensor, f"{tensor}.real")


def _reads_points(product: NodeProto) -> bool:
    settings = {item.name: helper.get_attribute_value(item) for item in product.attribute}
    return not any(settings.get("pads", ())) and settings.get("group", 1) == 1


def _read(readers: Sequence[NodeProto], tensor: str, instead: str) -> None:
    for reader in readers:
        reader.input[:] = [instead if name == tensor else name for name in reader.input]


def step_for(largest: NDArray[Any], steps: int) -> NDArray[np.float16]:
    """Return the step by which so many steps reach `largest`, rounded up to what FP16 can hold."""
    exact = np.asarray(largest / steps)
    step = exact.astype(np.float16)
    step = np.where(step < exact, np.nextafter(step, np.float16(np.inf)), step)
    return np.maximum(step, TINY)
