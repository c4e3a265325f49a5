"""The INT8 encoder's first layer: bytes of the photo straight into an integer convolution."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, helper

from calibration.observe import side_of
from export.surgery import Surgery, node

MIDDLE = 114
"""A grey near ImageNet's mean colour, (123.7, 116.3, 103.5): what the first convolution's padding stands for."""

CHANNELS = 3


class Window(NamedTuple):
    """How a convolution goes over the photo, in pixels."""

    top: int
    left: int
    bottom: int
    right: int
    down: int
    """Its vertical stride."""
    stride: int
    """Its horizontal stride."""

    def rows(self, side: int, height: int) -> int:
        """Return how many rows a kernel of this height makes."""
        return (side + self.top + self.bottom - height) // self.down + 1

    def columns(self, side: int, width: int) -> int:
        """Return how many columns a kernel of this width makes."""
        return (side + self.left + self.right - width) // self.stride + 1


class First(NamedTuple):
    """The first convolution, on bytes."""

    conv: NodeProto
    pixels: str
    """Its input, integers around MIDDLE: the caller puts the DequantizeLinear there."""
    shape: tuple[int, int, int, int]
    """Of what it makes, channels last."""
    together: bool
    """Whether it computes two columns at once, as twice the channels: `split_columns` then belongs behind it."""


def take_bytes(surgery: Surgery, *, together: bool) -> First:
    """Replace `Transpose -> Cast -> Sub(mean) -> Conv` at the graph's beginning by `Reshape -> Transpose -> Conv`.

    The mean's subtraction moves into the bias: a byte is an integer around MIDDLE, so nothing is computed in float and
    nothing is rounded. Only the padding is no longer the mean colour exactly (an integer kernel pads all channels with
    one number), by at most 11 of 255.

    Args:
        together: whether the convolution may compute two columns at once, where its sizes allow it.
    """
    (transpose,) = surgery.consumers("image")
    (cast,) = surgery.consumers(transpose.output[0])
    (subtract,) = surgery.consumers(cast.output[0])
    (first,) = surgery.consumers(subtract.output[0])
    side, window = side_of(surgery.model), window_of(first)
    mean = surgery.constant(subtract.input[1]).reshape(-1)  # (CHANNELS,)
    weight, bias = surgery.constant(first.input[1]), surgery.constant(first.input[2])
    shift = (weight * (MIDDLE - mean)[None, :, None, None]).sum((1, 2, 3))
    columns = window.columns(side, weight.shape[3])
    outputs = 2 if together and columns % 2 == 0 and side % (2 * window.stride) == 0 else 1
    biases = np.tile((bias + shift).astype(np.float32), outputs)
    first.input[2] = surgery.add(f"{first.name}.bias.bytes", biases)
    first.input[1] = surgery.add(f"{first.name}.weight.grouped", in_groups(first, weight, side, outputs))
    group = outputs * window.stride
    shape = surgery.add("groups", np.array([1, side, side // group, group * CHANNELS], np.int64))
    surgery.replace(cast, [])
    surgery.replace(subtract, [])
    planes = [
        node("Reshape", ["image", shape], ["groups_of_columns"], "groups_of_columns"),
        node("Transpose", ["groups_of_columns"], ["bytes"], "bytes", perm=[0, 3, 1, 2]),
    ]
    surgery.replace(transpose, planes)
    return First(first, "bytes", (1, window.rows(side, weight.shape[2]), columns, len(weight)), outputs > 1)


def in_groups(conv: NodeProto, weight: NDArray[np.float32], side: int, outputs: int) -> NDArray[np.float32]:
    """Rewrite a convolution for an image whose columns come in groups: fewer columns of more channels.

    That view of the photo is free. Three channels are slow: copying the windows (im2col) takes longer than multiplying
    them, and ONNX Runtime's kernels that do without the copy want a multiple of four channels, and of sixteen out. The
    products are the same; a few more are by 0.

    Args:
        conv: changed in place.
        weight: (C, CHANNELS, height, width).
        side: width of the image in pixels; a multiple of a group, which has `outputs` times the stride's columns.
        outputs: columns to compute at once, by which their number can be divided.

    Returns:
        (outputs * C, group * CHANNELS, height, groups).
    """
    window, width = window_of(conv), weight.shape[3]
    group = outputs * window.stride
    before = -(-window.left // group)
    groups = before + -(-((outputs - 1) * window.stride - window.left + width) // group)
    after = window.columns(side, width) // outputs - 1 + groups - before - side // group
    wide = np.zeros((outputs, *weight.shape[:3], groups * group), weight.dtype)
    for output in range(outputs):
        begin = before * group - window.left + output * window.stride
        wide[output, ..., begin : begin + width] = weight
    _set(conv, "pads", [window.top, before, window.bottom, after])
    _set(conv, "strides", [window.down, 1])
    _set(conv, "kernel_shape", [weight.shape[2], groups])
    split = wide.reshape(*wide.shape[:4], groups, group)  # (outputs, C, CHANNELS, height, groups, group)
    return split.transpose(0, 1, 5, 2, 3, 4).reshape(outputs * len(weight), -1, weight.shape[2], groups)


def split_columns(surgery: Surgery, first: First) -> None:
    """Bring what the first convolution computed at once, quantized by now, into its shape.

    ONNX Runtime lays channels out last, where this is another view of the same bytes.
    """
    (quantize,) = surgery.consumers(first.conv.output[0])
    apart = quantize.output[0]
    quantize.output[0] = "together"
    shape = surgery.add("columns", np.array(first.shape, np.int64))
    (reader,) = surgery.consumers(apart)
    views = [
        node("Transpose", ["together"], ["together.last"], "together", perm=[0, 2, 3, 1]),
        node("Reshape", ["together.last", shape], ["apart.last"], "apart"),
        node("Transpose", ["apart.last"], [apart], "apart.planes", perm=[0, 3, 1, 2]),
    ]
    surgery.insert_before(reader, views)


def window_of(conv: NodeProto) -> Window:
    """Read a convolution's padding and strides."""
    settings = {item.name: helper.get_attribute_value(item) for item in conv.attribute}
    return Window(*settings["pads"], *settings["strides"])


def _set(conv: NodeProto, name: str, values: list[int]) -> None:
    kept = [item for item in conv.attribute if item.name != name]
    del conv.attribute[:]
    conv.attribute.extend([*kept, helper.make_attribute(name, values)])
