"""The first convolution on bytes: regrouped columns must give the same products."""

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from export.pixels import in_groups, window_of
from export.surgery import node


@pytest.mark.parametrize(
    ("kernel", "stride", "pads", "outputs"),
    [
        (3, 2, [1, 1, 1, 1], 1),  # MobileNetV2
        (3, 2, [1, 1, 1, 1], 2),
        (3, 2, [0, 0, 1, 1], 2),  # EfficientNet-Lite, padded as TensorFlow does
        (3, 2, [0, 0, 0, 0], 1),  # Inception
        (7, 2, [3, 3, 3, 3], 2),  # ResNet
        (3, 1, [1, 1, 1, 1], 2),  # VGG
        (8, 8, [0, 0, 0, 0], 2),
        (5, 4, [2, 2, 2, 2], 1),
    ],
)
def test_regrouped_columns_change_nothing(kernel: int, stride: int, pads: list[int], outputs: int) -> None:
    side = 64
    chance = np.random.default_rng(1)
    image = chance.integers(0, 256, (1, side, side, 3)).astype(np.float32)
    weight = chance.normal(size=(8, 3, kernel, kernel)).astype(np.float32)
    conv = node("Conv", ["x", "w"], ["y"], "conv", pads=pads, strides=[stride] * 2, kernel_shape=[kernel] * 2)
    expected = convolve(conv, image.transpose(0, 3, 1, 2), weight)
    window = window_of(conv)

    grouped = in_groups(conv, weight, side, outputs)

    group = outputs * stride
    got = convolve(conv, image.reshape(1, side, side // group, -1).transpose(0, 3, 1, 2), grouped)
    apart = got.transpose(0, 2, 3, 1).reshape(1, window.rows(side, kernel), window.columns(side, kernel), 8)
    assert np.allclose(apart.transpose(0, 3, 1, 2), expected, atol=1e-2)


def convolve(conv: NodeProto, image: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Run one convolution without bias."""
    shown = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("x", "y")]
    graph = helper.make_graph([conv], "one", shown[:1], shown[1:], [numpy_helper.from_array(weight, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": image})[0])
