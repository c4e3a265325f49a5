from __future__ import annotations

from collections.abc import Callable

import ml_dtypes
import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper, shape_inference

from edge_caption.images.photos import read_photo
from edge_caption.model.backends.onnx import HARMFUL
from edge_caption.model.backends.tensorrt_library import RTX
from edge_caption.model.preprocess import to_input
from export.errors import ExportError
from export.graphs import DecoderGraph
from export.half import CALCULATED_WITH, to_half
from export.lint import prove_accepted, prove_built
from export.symmetric import products_of_regions, products_of_words, quantize_products, step_for, store_weights
from export.to_onnx import decoder_to_onnx
from tests.export.conftest import Exported
from training.model.caption_model import Decoder, Dimensions

GRAPHS = [
    "encoder.fp16.onnx",
    "decoder.fp16.onnx",
    "encoder.trt.onnx",
    "decoder.trt.onnx",
    "decoder.trt-int8.onnx",
]


def run(model: ModelProto, **inputs: NDArray[np.generic]) -> list[NDArray[np.float32]]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), disabled_optimizers=HARMFUL)
    return list(session.run(None, inputs))


def decibel(signal: NDArray[np.generic], other: NDArray[np.generic]) -> float:
    noise = np.square(signal.astype(float) - other.astype(float)).sum()
    return float(10 * np.log10(np.square(signal.astype(float)).sum() / noise))


@pytest.fixture
def graphs(exported: Exported) -> dict[str, ModelProto]:
    return dict(exported.contents.model.graphs)


@pytest.mark.parametrize("name", GRAPHS)
def test_tensorrt_accepts_and_builds_it(graphs: dict[str, ModelProto], name: str) -> None:
    pytest.importorskip(RTX, reason="needs TensorRT-RTX: pip install 'edge-caption[tensorrt]'")
    prove_accepted(graphs[name], name)
    assert str(prove_built(graphs[name], name)).startswith("tensorrt_rtx 1.")


REFUSED = {
    "encoder.cpu-x86.onnx": "Reshape groups_of_columns: a uint8 input may only be cast",
    "decoder.cpu.onnx": "MatMulNBits .*: it has no operators of com.microsoft",
    "encoder.fp32.onnx": "Transpose .*: a uint8 input may only be cast",
}


@pytest.mark.parametrize("name", REFUSED)
def test_graphs_for_processors_are_refused_with_node_and_reason(graphs: dict[str, ModelProto], name: str) -> None:
    with pytest.raises(ExportError, match=f"{name}: TensorRT would refuse {REFUSED[name]}"):
        prove_accepted(graphs[name], name)
    pytest.importorskip(RTX, reason="needs TensorRT-RTX: pip install 'edge-caption[tensorrt]'")
    with pytest.raises(ExportError, match=f"can't run {name}"):
        prove_built(graphs[name], name)


def spoil(model: ModelProto, kind: str, index: int, array: NDArray[np.generic]) -> None:
    """Give the last node of a kind another constant."""
    item = [item for item in model.graph.node if item.op_type == kind][-1]
    del item.input[index:]
    item.input.append("spoilt")
    model.graph.initializer.append(numpy_helper.from_array(array, "spoilt"))


SPOILT: dict[str, Callable[[ModelProto], None]] = {
    "its zero point is not 0": lambda model: spoil(model, "QuantizeLinear", 2, np.array(3, np.int8)),
    "its integers are uint8, not int8": lambda model: spoil(model, "DequantizeLinear", 2, np.array(0, np.uint8)),
    "its zero point is no constant": lambda model: model.graph.node[-1].CopyFrom(
        helper.make_node("QuantizeLinear", ["state", "scale"], ["spoilt"], "spoilt")
    ),
    "an int32 bias; leave it in float": lambda model: (
        model.graph.node[-1].CopyFrom(helper.make_node("DequantizeLinear", ["spoilt", "scale"], ["real"], "spoilt"))
        or model.graph.initializer.append(numpy_helper.from_array(np.zeros(4, np.int32), "spoilt"))
    ),
    "it has no such operator": lambda model: model.graph.node[-1].CopyFrom(
        helper.make_node("DynamicQuantizeLinear", ["state"], ["spoilt"], "spoilt")
    ),
    "values that float16 can't hold": lambda model: model.graph.initializer.append(
        numpy_helper.from_array(np.array([np.inf], np.float16), "spoilt")
    ),
}


@pytest.mark.parametrize("says", SPOILT)
def test_each_rule_names_what_it_found(graphs: dict[str, ModelProto], says: str) -> None:
    model = ModelProto()
    model.CopyFrom(graphs["encoder.trt.onnx"])
    SPOILT[says](model)
    with pytest.raises(ExportError, match=says):
        prove_accepted(model, "encoder.trt.onnx")


def test_fp16_sees_what_fp32_sees_and_int8_nearly(exported: Exported, graphs: dict[str, ModelProto]) -> None:
    image = to_input(read_photo(exported.photos[0]), 224)
    reference = run(exported.encoder, image=image)
    for name, least in (("encoder.fp16.onnx", 35), ("encoder.trt.onnx", 12)):
        for one, other in zip(reference, run(graphs[name], image=image), strict=True):
            assert other.dtype == np.float16
            assert decibel(one, other) > least


def test_decoders_say_nearly_what_fp32_says(exported: Exported, graphs: dict[str, ModelProto]) -> None:
    image = to_input(read_photo(exported.photos[0]), 224)
    regions, keys, state = run(exported.encoder, image=image)
    tokens = np.array([1, 7, 9], np.int64)
    (expected, *_) = run(exported.decoder, token=tokens, state=state.repeat(3, 0), regions=regions, keys=keys)
    half = {"state": state.repeat(3, 0), "regions": regions, "keys": keys}
    for name, most in (("decoder.fp16.onnx", 0.02), ("decoder.trt.onnx", 0.1), ("decoder.trt-int8.onnx", 0.5)):
        given = {key: array.astype(np.float16) for key, array in half.items()}
        log_probs, _, attention = run(graphs[name], token=tokens, **given)
        assert log_probs.dtype == attention.dtype == np.float32
        assert np.abs(log_probs - expected).max() < most


@pytest.mark.parametrize("name", GRAPHS)
def test_nothing_is_float32_but_what_is_calculated_with(graphs: dict[str, ModelProto], name: str) -> None:
    graph = shape_inference.infer_shapes(graphs[name], strict_mode=True).graph
    wide = {info.name for info in graph.value_info if info.type.tensor_type.elem_type == TensorProto.FLOAT}
    assert wide <= {"decoder.embedding.wide"}
    assert not any(item.data_type == TensorProto.FLOAT for item in graph.initializer)
    outputs = {info.name for info in graph.output if info.type.tensor_type.elem_type == TensorProto.FLOAT}
    assert outputs == ({*CALCULATED_WITH} if name.startswith("decoder") else set())


def test_int8_is_for_convolutions_with_many_channels_over_a_grid(exported: Exported) -> None:
    chosen = products_of_regions(exported.encoder)
    assert "backbone.features.0.0" not in chosen  # three channels
    assert "backbone.features.2.conv.1.0" not in chosen  # depthwise
    assert "start" not in chosen  # of the average
    assert {"backbone.features.2.conv.0.0", "project", "key"} <= set(chosen)
    assert products_of_regions(exported.encoder, ["key"]) == [name for name in chosen if name != "key"]


def test_what_a_clamp_leaves_is_moved_so_that_it_fills_the_integers(exported: Exported) -> None:
    encoder = exported.contents.model.graphs["encoder.trt.onnx"]
    scales = {item.name: numpy_helper.to_array(item) for item in encoder.graph.initializer}
    _, high = exported.table.ranges["encoder"]["clip_2"]
    (quantize,) = [item for item in encoder.graph.node if item.name == "clip_2.quantize"]
    assert scales[quantize.input[1]] == pytest.approx(high / 255, rel=2e-3)
    assert not any("clip_2" in item.output and item.op_type == "Clip" for item in encoder.graph.node)


def test_steps_are_rounded_up_and_never_zero() -> None:
    largest = np.array([0.0, 1e-9, 1e-4, 0.3, 6.0])
    steps = step_for(largest, 127)
    assert steps.dtype == np.float16
    assert (steps > 0).all()
    assert (steps.astype(float) * 127 >= largest).all()
    assert steps[3:] == pytest.approx(largest[3:] / 127, rel=1e-3)


@pytest.mark.parametrize("name", ["decoder.trt.onnx", "decoder.trt-int8.onnx"])
def test_the_embedding_is_stored_once_in_bytes(graphs: dict[str, ModelProto], name: str) -> None:
    decoder = graphs[name]
    (lookup,) = [item for item in decoder.graph.node if item.op_type == "Gather"]
    (output,) = [item for item in decoder.graph.node if item.name == "decoder.embedding"]
    assert lookup.input[0] == output.input[1] == "decoder.embedding.weight_real"
    assert decoder.ByteSize() < 0.65 * graphs["decoder.fp16.onnx"].ByteSize()


def test_nothing_is_quantized_unless_it_is_asked_for(exported: Exported, graphs: dict[str, ModelProto]) -> None:
    again = quantize_products(graphs["encoder.fp16.onnx"], exported.table.ranges["encoder"], {}, [])
    assert again.SerializeToString() == graphs["encoder.fp16.onnx"].SerializeToString()


@pytest.fixture(scope="module")
def wide() -> ModelProto:
    """A decoder whose rows come in whole blocks of 4-bit weights."""
    torch.manual_seed(0)
    size = Dimensions(region=64, attention=64, hidden=128, embedding=64)
    return decoder_to_onnx(DecoderGraph(Decoder(size, 40).eval()))


def test_a_trt_decoder_in_4_bits_is_smaller_and_says_nearly_the_same(wide: ModelProto) -> None:
    graphs = {bits: store_weights(to_half(wide), products_of_words(wide), bits) for bits in (8, 4)}
    kinds = [numpy_helper.to_array(item).dtype for item in graphs[4].graph.initializer]
    assert (kinds.count(np.dtype(ml_dtypes.int4)), kinds.count(np.dtype(np.int8))) == (3, 2)  # a table, its zeros
    assert graphs[4].ByteSize() < 0.75 * graphs[8].ByteSize()
    random = np.random.default_rng(0)
    inputs = {
        "token": np.array([1, 5]),
        "state": np.tanh(random.normal(size=(2, 128))).astype(np.float32),
        "regions": np.abs(random.normal(size=(1, 49, 64))).astype(np.float32),
        "keys": random.normal(size=(1, 49, 64)).astype(np.float32),
    }
    (expected, *_) = run(wide, **inputs)
    half = {name: array.astype(np.float16) if array.dtype == np.float32 else array for name, array in inputs.items()}
    off = {bits: np.abs(run(graph, **half)[0] - expected).max() for bits, graph in graphs.items()}
    assert off[8] < off[4] < 0.3
    prove_accepted(graphs[4], "decoder")
    pytest.importorskip(RTX, reason="needs TensorRT-RTX: pip install 'edge-caption[tensorrt]'")
    assert str(prove_built(graphs[4], "decoder")).startswith("tensorrt_rtx 1.")


def test_blocks_around_another_value_than_zero_are_refused(wide: ModelProto) -> None:
    model = store_weights(to_half(wide), products_of_words(wide), 4)
    item = next(item for item in model.graph.node if item.op_type == "DequantizeLinear")
    scales = next(numpy_helper.to_array(one) for one in model.graph.initializer if one.name == item.input[1])
    model.graph.initializer.append(numpy_helper.from_array(np.full(scales.shape, 3, ml_dtypes.int4), "spoilt"))
    item.input.append("spoilt")
    with pytest.raises(ExportError, match="its integers are int4, not int8"):
        prove_accepted(model, "decoder")
