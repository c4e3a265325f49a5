from __future__ import annotations

from collections.abc import Collection

from onnx import ModelProto

from edge_caption.images.photos import read_photo
from edge_caption.model.preprocess import to_input
from export.flavours import make_flavours
from export.noise import decibels, noisiest, regions_of
from export.qdq import convolutions
from tests.export.conftest import Exported


def test_the_convolution_without_which_all_is_clearest_comes_first(exported: Exported) -> None:
    images = [to_input(read_photo(file), 224) for file in exported.photos[:2]]
    names = convolutions(exported.encoder)
    culprit = names[2]

    def quantize(kept: Collection[str]) -> ModelProto:
        made = make_flavours(
            exported.encoder, exported.decoder, exported.table, ("cpu-x86",), names[:-1] if culprit in kept else kept
        )
        return made.graphs["encoder.cpu-x86.onnx"]

    assert noisiest(exported.encoder, names[:4], quantize, images)[0] == culprit
    expected = regions_of(exported.encoder, images)
    assert decibels(regions_of(quantize((culprit,)), images), expected) > decibels(
        regions_of(quantize(()), images), expected
    )
