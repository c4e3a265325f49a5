from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from onnx import ModelProto, numpy_helper
from onnxruntime import InferenceSession

from edge_caption.images.photos import read_photo
from edge_caption.model.preprocess import to_input
from export.errors import ExportError
from export.parity import TOLERANCE, prove_parity
from export.to_onnx import to_onnx
from tests.export.conftest import Exported


def test_the_graphs_compute_what_the_modules_compute(exported: Exported) -> None:
    parity = prove_parity(exported.checkpoint.model, exported.encoder, exported.decoder, exported.photos)
    assert parity.photos == len(exported.photos)
    assert max(parity.encoder, parity.decoder) <= TOLERANCE


def test_large_values_may_be_rounded_by_more(exported: Exported) -> None:
    model = copy.deepcopy(exported.checkpoint.model)
    with torch.no_grad():
        for name, factor in (("project", 1e4), ("key", 1e-4), ("start", 1e-4)):
            getattr(model.encoder, name).weight.mul_(factor)
        bias = model.encoder.project.bias
        assert bias is not None
        bias.mul_(1e4)
    encoder, decoder = to_onnx(model)
    photo = exported.photos[0]
    image = to_input(read_photo(photo), model.size.side)
    with torch.inference_mode():
        expected = model.encoder(torch.from_numpy(image)).regions.numpy()
    regions, *_ = InferenceSession(encoder.SerializeToString()).run(None, {"image": image})
    assert np.abs(regions - expected).max() > TOLERANCE
    assert prove_parity(model, encoder, decoder, [photo]).encoder <= TOLERANCE


@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_a_changed_graph_fails_the_comparison(exported: Exported, part: str) -> None:
    graphs = {"encoder": exported.encoder, "decoder": exported.decoder}
    graphs[part] = with_a_changed_bias(graphs[part])
    with pytest.raises(ExportError, match=f"the {part}'s .*0.png.* is off by"):
        prove_parity(exported.checkpoint.model, **graphs, photos=exported.photos)


def with_a_changed_bias(model: ModelProto) -> ModelProto:
    changed = ModelProto()
    changed.CopyFrom(model)
    bias = next(item for item in changed.graph.initializer if item.name in {"project.bias", "decoder.to_output.bias"})
    bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) + 0.01, bias.name))
    return changed


def test_batch_norms_are_folded_and_layers_keep_their_names(exported: Exported) -> None:
    nodes = exported.encoder.graph.node
    assert {node.op_type for node in nodes} == {
        *("Transpose", "Cast", "Sub", "Conv", "Clip", "Add", "Relu", "AveragePool", "Reshape", "Tanh")
    }
    names = [node.name for node in nodes if node.op_type == "Conv"]
    assert names[0] == "backbone.features.0.0"
    assert names[-3:] == ["project", "key", "start"]


def test_the_decoder_has_four_products_and_few_nodes(exported: Exported) -> None:
    nodes = exported.decoder.graph.node
    assert sum(node.op_type == "Gemm" for node in nodes) == 4
    assert len(nodes) <= 30  # each costs a microsecond at every word


def test_the_same_model_gives_the_same_bytes(exported: Exported) -> None:
    again = to_onnx(exported.checkpoint.model)
    assert [model.SerializeToString() for model in again] == [
        exported.encoder.SerializeToString(),
        exported.decoder.SerializeToString(),
    ]


def test_the_graphs_load_in_the_oldest_supported_onnx_runtime(exported: Exported) -> None:
    for model in (exported.encoder, exported.decoder):
        assert model.ir_version <= 10
        assert all(opset.version <= 21 for opset in model.opset_import if not opset.domain)
