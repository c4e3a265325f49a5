"""fp32 encoder + ranges -> static INT8 encoder, in the QDQ form that ONNX Runtime fuses into integer kernels.

Activations: 8 bits, asymmetric, a tensor each. Weights: s8 symmetric, an output channel each. Biases: int32 at the
scale of the product (Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference").
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto

from calibration.observe import CLAMPS
from calibration.ranges import NARROW, Range
from export.pixels import MIDDLE, First, split_columns, take_bytes
from export.surgery import Surgery, node

QUANTIZED = ("Conv", "Add", "AveragePool")
"""Operators that get integer kernels."""


@dataclass(frozen=True)
class Step:
    """How a tensor's real values map to integers: real = scale * (integer - zero)."""

    scale: np.float32
    zero: NDArray[Any]
    """A scalar; its type is that of the integers."""


def step_of(limits: Range, kind: type[np.uint8 | np.int8]) -> Step:
    """Spread the integers of a kind over a range, widened to hold 0 exactly (padding and ReLU need it)."""
    low, high = min(limits[0], 0.0), max(limits[1], 0.0)
    info = np.iinfo(kind)
    scale = np.float32(max((high - low) / (int(info.max) - int(info.min)), NARROW))
    zero = round(int(info.min) - low / float(scale))
    return Step(scale, np.array(np.clip(zero, info.min, info.max), kind))


def quantize_encoder(
    model: ModelProto,
    ranges: Mapping[str, Range],
    means: Mapping[str, Sequence[float]],
    kind: type[np.uint8 | np.int8],
    kept: Collection[str] = (),
) -> ModelProto:
    """Make the INT8 encoder.

    Args:
        ranges: of every float tensor, from the calibration table.
        means: of every channel of the convolutions' inputs, from there too.
        kind: what activations are stored as: uint8 suits x86 (VNNI), int8 suits Arm (SDOT, SMMLA).
        kept: names of convolutions that stay in float.
    """
    return _Encoder(model, ranges, means, kind, kept).quantize()


def convolutions(model: ModelProto) -> list[str]:
    """Return the names of an encoder's convolutions, in the order in which they run."""
    return [item.name for item in model.graph.node if item.op_type == "Conv"]


class _Encoder:
    """The fp32 graph on its way to INT8."""

    def __init__(
        self,
        model: ModelProto,
        ranges: Mapping[str, Range],
        means: Mapping[str, Sequence[float]],
        kind: type[np.uint8 | np.int8],
        kept: Collection[str],
    ) -> None:
        self.surgery = Surgery(model)
        self.ranges, self.means, self.kind, self.kept = ranges, means, kind, kept
        self.steps: dict[str, Step] = {}
        """Of tensors that were quantized, by their fp32 name."""

    def quantize(self) -> ModelProto:
        first = self._take_bytes()
        self._drop_clamps()
        for item in list(self.surgery.nodes):
            if item.op_type == "Conv" and item.name not in self.kept:
                self._quantize_weights(item)
        for tensor in self._tensors():
            self._quantize_tensor(tensor)
        if first.together:
            split_columns(self.surgery, first)
        self.surgery.shorten()
        return self.surgery.finish()

    def _take_bytes(self) -> First:
        (name,) = convolutions(self.surgery.model)[:1]
        # Not timed on Arm, where a processor without integer products pays for the additional ones.
        first = take_bytes(self.surgery, together=self.kind is np.uint8 and name not in self.kept)
        conv, pixels = first.conv, first.pixels
        step = Step(np.float32(1), np.array(MIDDLE, np.uint8))
        new = [self._dequantize(pixels, f"{pixels}.real", step)]
        conv.input[0] = f"{pixels}.real"
        self.steps[conv.input[0]] = step
        if self.kind is np.int8:
            # Same values in signed integers, for a kernel's input and output must be of one kind.
            step = Step(np.float32(1), np.array(MIDDLE - 128, np.int8))
            new += self._pair(conv.input[0], f"{pixels}.signed", step)
            conv.input[0] = f"{pixels}.signed"
            self.steps[conv.input[0]] = step
        self.surgery.insert_before(conv, new)
        return first

    def _drop_clamps(self) -> None:
        """Remove Clip and ReLU: their outputs begin at 0, so saturation of the integers does the same."""
        for item in [item for item in self.surgery.nodes if item.op_type in CLAMPS]:
            before = self.surgery.producer(item.input[0])
            assert before is not None
            if before.name in self.kept:
                continue
            assert self.ranges[item.output[0]][0] >= 0
            before.output[0] = item.output[0]
            self.surgery.replace(item, [])

    def _quantize_weights(self, conv: NodeProto) -> None:
        weight, bias = self.surgery.constant(conv.input[1]), self.surgery.constant(conv.input[2])
        scale_in = self._step(conv.input[0]).scale
        highest = np.abs(weight).reshape(len(weight), -1).max(1) / 127
        # A channel of next to no weight must not push its bias out of 32 bits.
        scale = np.maximum(np.maximum(highest, np.abs(bias) / scale_in / 2**30), NARROW).astype(np.float32)
        integers = np.clip(np.round(weight / scale[:, None, None, None]), -127, 127).astype(np.int8)
        if (mean := self.means.get(conv.input[0])) is not None:
            bias = bias - mean_error(weight, integers * scale[:, None, None, None], np.array(mean))
        bias_scale = (scale * scale_in).astype(np.float32)
        biases = np.round(bias / bias_scale.astype(np.float64)).astype(np.int32)
        zeros = np.zeros(len(weight), np.int8)
        self._constant(conv, 1, integers, scale, zeros)
        self._constant(conv, 2, biases, bias_scale, None)

    def _constant(
        self,
        conv: NodeProto,
        index: int,
        integers: NDArray[Any],
        scale: NDArray[Any],
        zero: NDArray[Any] | None,
    ) -> None:
        name = f"{conv.name}.{('', 'weight', 'bias')[index]}"
        inputs = [self.surgery.add(f"{name}_int", integers), self.surgery.add(f"{name}_scale", scale)]
        if zero is not None:
            inputs.append(self.surgery.add(f"{name}_zero", zero))
        conv.input[index] = f"{name}_real"
        real = node("DequantizeLinear", inputs, [f"{name}_real"], f"{name}_dequantize", axis=0)
        self.surgery.insert_before(conv, [real])

    def _tensors(self) -> list[str]:
        """Return the activations around quantized operators, inputs that already are integers aside."""
        around: dict[str, None] = {}
        for item in self.surgery.nodes:
            if item.op_type in QUANTIZED and item.name not in self.kept:
                activations = item.input[:1] if item.op_type == "Conv" else item.input
                around |= dict.fromkeys([*activations, *item.output])
        return [tensor for tensor in around if tensor not in self.steps]

    def _quantize_tensor(self, tensor: str) -> None:
        """Let readers see a tensor through integers."""
        producer = self.surgery.producer(tensor)
        assert producer is not None
        readers = self.surgery.consumers(tensor)
        step = self._step(tensor)
        pair = self._pair(tensor, f"{tensor}.real", step)
        for reader in readers:
            reader.input[:] = [f"{tensor}.real" if name == tensor else name for name in reader.input]
        self.surgery.replace(producer, [producer, *pair])

    def _step(self, tensor: str) -> Step:
        producer = self.surgery.producer(tensor)
        if producer is not None and producer.op_type == "AveragePool":
            return self._step(producer.input[0].removesuffix(".real"))  # an average needs no other range
        return self.steps.get(tensor) or step_of(self.ranges[tensor], self.kind)

    def _pair(self, tensor: str, real: str, step: Step) -> list[NodeProto]:
        scale, zero = self._constants(step)
        quantize = node("QuantizeLinear", [tensor, scale, zero], [f"{real}.int"], f"{real}.quantize")
        return [quantize, self._dequantize(f"{real}.int", real, step)]

    def _dequantize(self, integers: str, real: str, step: Step) -> NodeProto:
        return node("DequantizeLinear", [integers, *self._constants(step)], [real], f"{real}.dequantize")

    def _constants(self, step: Step) -> tuple[str, str]:
        zero = self.surgery.add(f"zero_{step.zero.dtype}_{step.zero}", step.zero)
        return self.surgery.add(f"scale_{float(step.scale)!r}", np.array(step.scale)), zero


def mean_error(weight: NDArray[Any], rounded: NDArray[Any], mean: NDArray[Any]) -> NDArray[Any]:
    """Return by how much rounded weights raise each output channel on average, which the bias can take back.

    Without it the errors add up from layer to layer (Nagel et al. 2019, "Data-Free Quantization Through Weight
    Equalization and Bias Correction"). Padding is taken for more of the same.

    Args:
        weight: (C, inputs of a group, height, width).
        rounded: what the integers stand for, of the same shape.
        mean: of each input channel: (inputs of all groups,).

    Returns:
        Shape (C,).
    """
    errors = (rounded - weight).sum((2, 3), dtype=np.float64)  # (C, inputs of a group)
    groups = len(mean) // errors.shape[1]
    of_output = np.repeat(mean.reshape(groups, -1), len(weight) // groups, axis=0)  # (C, inputs of a group)
    return np.asarray((errors * of_output).sum(1))
