from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

from calibration.table import CalibrationError
from edge_caption.images.photos import read_photo
from edge_caption.model.preprocess import to_input
from export.errors import ExportError
from export.flavours import FLAVOURS, check_kept, make_flavours
from export.fusion import optimized, prove_fusion
from export.qdq import convolutions, mean_error, step_of
from export.weights_only import BLOCKS, quantize_decoder, to_blocks
from tests.export.conftest import Exported


def run(model: ModelProto, **inputs: NDArray[np.generic]) -> list[NDArray[np.float32]]:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return list(session.run(None, inputs))


def test_int8_encoders_see_nearly_what_fp32_sees(exported: Exported) -> None:
    graphs = exported.contents.model.graphs
    image = to_input(read_photo(exported.photos[0]), 224)
    reference = run(graphs["encoder.fp32.onnx"], image=image)
    for flavour in ("cpu-x86", "cpu-arm"):
        for one, other in zip(reference, run(graphs[FLAVOURS[flavour].encoder], image=image), strict=True):
            assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.95


def test_everything_that_should_runs_in_integers(exported: Exported) -> None:
    graphs = exported.contents.model.graphs
    for flavour in ("cpu-x86", "cpu-arm"):
        fused = prove_fusion(graphs[FLAVOURS[flavour].encoder], flavour)
        assert fused == {"QLinearConv": 55, "QLinearAdd": 10, "QLinearAveragePool": 1}
    assert prove_fusion(graphs["decoder.cpu.onnx"], "decoder") == {"MatMulNBits": 4}


def test_two_columns_at_once_are_taken_apart_for_nothing(exported: Exported) -> None:
    encoder = optimized(exported.contents.model.graphs["encoder.cpu-x86.onnx"], "encoder").graph
    assert [item.op_type for item in encoder.node[:4]] == ["Reshape", "QLinearConv", "Reshape", "QLinearConv"]


def test_a_convolution_that_is_kept_in_float_is_and_brings_the_regions_nearer(exported: Exported) -> None:
    image = to_input(read_photo(exported.photos[0]), 224)
    (reference, *_), kept = (
        run(exported.encoder, image=image),
        ["backbone.features.0.0", "backbone.features.1.conv.0.0"],
    )
    errors = []
    for names in ((), kept, convolutions(exported.encoder)[:-3]):
        flavours = make_flavours(exported.encoder, exported.decoder, exported.table, ("cpu-x86",), names)
        encoder = flavours.graphs["encoder.cpu-x86.onnx"]
        assert prove_fusion(encoder, "encoder", names)["QLinearConv"] == 55 - len(names)
        errors.append(float(np.square(run(encoder, image=image)[0] - reference).sum()))
    assert errors[2] < min(errors[:2])


def test_a_convolution_that_is_not_there_cannot_be_kept(exported: Exported) -> None:
    with pytest.raises(ExportError, match=r"has no convolution backbone\.9"):
        check_kept(exported.encoder, ["backbone.9"])


def test_a_graph_that_was_left_in_float_is_caught(exported: Exported) -> None:
    with pytest.raises(ExportError, match="would run 55 INT8 layers in float"):
        prove_fusion(exported.encoder, "encoder")
    with pytest.raises(ExportError, match="in float"):
        prove_fusion(exported.decoder, "decoder")


def test_one_layer_that_does_not_fuse_is_caught_and_named(exported: Exported) -> None:
    model = ModelProto()
    model.CopyFrom(exported.contents.model.graphs["encoder.cpu-x86.onnx"])
    key = next(node for node in model.graph.node if node.name == "key")
    dequantized = next(node for node in model.graph.node if key.output[0] in node.input)
    model.graph.node.remove(dequantized)  # without its QuantizeLinear, the product has a float output
    reader = next(node for node in model.graph.node if dequantized.output[0] in node.input)
    reader.input[0] = key.output[0]
    model.graph.node.remove(reader)
    after = next(node for node in model.graph.node if reader.output[0] in node.input)
    after.input[0] = key.output[0]
    with pytest.raises(ExportError, match=r"would run 3 INT8 layers in float .*key"):
        prove_fusion(model, "encoder")


def test_a_graph_that_does_not_load_is_refused() -> None:
    with pytest.raises(ExportError, match="can't load it"):
        prove_fusion(ModelProto(), "encoder")


def test_the_embedding_is_stored_once_and_looked_up_from_the_output_layer(exported: Exported) -> None:
    model = exported.contents.model.graphs["decoder.cpu.onnx"]
    stored = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    lookup = next(node for node in model.graph.node if node.op_type == "GatherBlockQuantized")
    output = next(node for node in model.graph.node if node.name == "decoder.embedding")
    rows = next(node for node in model.graph.node if lookup.input[0] in node.output)
    assert (rows.input[0], lookup.input[2]) == (output.input[1], output.input[2])
    assert not any(array.dtype == np.float32 and array.size > 2000 for array in stored.values())
    integers, scales = stored[output.input[1]].astype(np.float32), stored[output.input[2]]
    table = ((integers - 128) * scales[..., None]).reshape(len(integers), -1)
    shown = ModelProto()
    shown.CopyFrom(model)
    shown.graph.output.append(helper.make_tensor_value_info(lookup.output[0], TensorProto.FLOAT, None))
    size = exported.checkpoint.model.size
    tokens = np.array([0, 5, 39], np.int64)
    results = run(
        shown,
        token=tokens,
        state=np.zeros((3, size.hidden), np.float32),
        regions=np.zeros((1, 49, size.region), np.float32),
        keys=np.zeros((1, 49, size.attention), np.float32),
    )
    assert np.allclose(results[-1], table[tokens], atol=1e-6)


def real(integers: NDArray[np.uint8], scales: NDArray[np.float32], bits: int) -> NDArray[np.float32]:
    """Return the weights (N, K) that blocks stand for."""
    if bits == 4:
        integers = np.stack((integers & 15, integers >> 4), -1).reshape(*scales.shape, -1)
    return np.asarray((integers - 2.0 ** (bits - 1)) * scales[..., None], np.float32).reshape(len(integers), -1)


@pytest.mark.parametrize("bits", BLOCKS)
def test_blocks_are_within_half_a_step_of_the_weights_that_are_not_clipped(bits: int) -> None:
    weight = np.random.default_rng(0).normal(size=(5, 96)).astype(np.float32)
    weight[1] = 0
    integers, scales = to_blocks(weight, bits)
    assert integers.shape == (5, 3, 32 * bits // 8)
    steps = np.repeat(scales, 32, 1)
    inside = np.abs(weight) <= (2 ** (bits - 1) - 1) * steps * 1.0001
    assert inside.mean() > (0.9 if bits == 4 else 0.9999)
    assert (np.abs(real(integers, scales, bits) - weight) <= steps * 0.5001)[inside].all()


def test_clipping_outliers_loses_less_than_coarse_steps() -> None:
    weight = np.random.default_rng(0).normal(size=(64, 96)).astype(np.float32)
    coarse = np.repeat(np.abs(weight.reshape(64, 3, 32)).max(2) / 7, 32, 1)
    error = np.mean((real(*to_blocks(weight, 4), 4) - weight) ** 2)
    assert error < 0.95 * np.mean((np.round(weight / coarse) * coarse - weight) ** 2)


@pytest.mark.parametrize("bits", BLOCKS)
def test_weights_that_were_blocks_once_stay_as_they_are(bits: int) -> None:
    weight = np.random.default_rng(0).normal(size=(64, 96)).astype(np.float32)
    once = real(*to_blocks(weight, bits), bits)
    assert np.allclose(real(*to_blocks(once, bits), bits), once, atol=1e-6)


def test_a_decoder_in_4_bits_says_nearly_the_same_in_less_space(exported: Exported) -> None:
    size = exported.checkpoint.model.size
    random = np.random.default_rng(0)
    inputs = {
        "token": np.array([1, 5]),
        "state": np.tanh(random.normal(size=(2, size.hidden))).astype(np.float32),
        "regions": np.abs(random.normal(size=(1, 49, size.region))).astype(np.float32),
        "keys": random.normal(size=(1, 49, size.attention)).astype(np.float32),
    }
    whole = run(exported.decoder, **inputs)
    halves = {bits: quantize_decoder(exported.decoder, bits) for bits in BLOCKS}
    assert halves[4].ByteSize() < 0.75 * halves[8].ByteSize()
    off = {bits: np.abs(run(graph, **inputs)[1] - whole[1]).max() for bits, graph in halves.items()}
    assert off[8] < off[4] < 0.3
    assert set(prove_fusion(halves[4], "decoder")) == {"MatMulNBits"}


@pytest.mark.parametrize("limits", [(-3.0, 5.0), (0.0, 6.0), (2.0, 6.0), (-1.0, -0.5), (0.0, 0.0)])
def test_zero_is_represented_exactly(limits: tuple[float, float]) -> None:
    for kind in (np.uint8, np.int8):
        step = step_of(limits, kind)
        info = np.iinfo(kind)
        assert info.min <= step.zero <= info.max
        lowest, highest = (step.scale * (int(end) - int(step.zero)) for end in (info.min, info.max))
        assert lowest <= limits[0] + step.scale
        assert highest >= limits[1] - step.scale


def test_the_mean_error_is_what_rounding_adds_on_average() -> None:
    random = np.random.default_rng(0)
    inputs = random.normal(3, 1, (10_000, 4))
    weight = random.normal(size=(6, 4, 1, 1))
    rounded = np.round(weight)
    difference = (inputs @ (rounded - weight)[:, :, 0, 0].T).mean(0)
    assert mean_error(weight, rounded, inputs.mean(0)) == pytest.approx(difference)
    depthwise = random.normal(size=(4, 1, 3, 3))
    expected = (np.round(depthwise) - depthwise).sum((1, 2, 3)) * inputs.mean(0)
    assert mean_error(depthwise, np.round(depthwise), inputs.mean(0)) == pytest.approx(expected)


def test_the_calibration_of_another_model_is_refused(exported: Exported) -> None:
    with pytest.raises(CalibrationError, match="another model"):
        exported.table.check(exported.decoder, exported.decoder)
