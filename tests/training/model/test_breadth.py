"""Every cell and encoder, with and without attention: trained a little, scored, exported to fp32 and run."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from msgspec.structs import replace

from calibration.calibrate import calibrate
from edge_caption.model.captioner import Captioner
from export.flavours import make_flavours
from export.parity import prove_parity
from export.to_onnx import to_onnx
from export.write_bundle import Contents, sizes_of, write_bundle
from tests.training.pictures import backbone_weights, captioned
from training.data.captioned_photos import CaptionedPhoto
from training.data.splits import Data
from training.model.caption_model import Dimensions
from training.model.cells import lstm
from training.model.checkpoint import load_checkpoint
from training.recipe import Recipe, Stage
from training.train import train

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning:lightning"),
]

SMALL = Dimensions(region=48, attention=24, hidden=32, embedding=32)

KINDS = [
    replace(SMALL, encoder="mobilenet_v2", cell="lstm"),
    replace(SMALL, encoder="mobilenet_v2", pooled=True),
    replace(SMALL, encoder="mobilenet_v3_large"),
    replace(SMALL, encoder="efficientnet_lite0"),
    replace(SMALL, encoder="vgg16", cell="lstm", pooled=True),
    replace(SMALL, encoder="resnet18"),
    replace(SMALL, encoder="resnet50", cell="lstm"),
    replace(SMALL, encoder="inception_v3"),
]

STAGE = Stage(
    name="tuned", epochs=1, learning_rate=1e-3, encoder_learning_rate=1e-5, photos_per_step=4, captions_per_photo=1
)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[CaptionedPhoto]:
    return captioned(tmp_path_factory.mktemp("photos"), 4)


@pytest.mark.parametrize("size", KINDS, ids=lambda size: f"{size.encoder}-{size.cell}-{'pooled' * size.pooled}")
def test_each_kind_trains_is_scored_exported_and_runs(
    size: Dimensions, photos: list[CaptionedPhoto], tmp_path: Path
) -> None:
    if shutil.which("java") is None:
        pytest.skip("scoring needs Java")
    weights = backbone_weights(size.encoder, photos, tmp_path)
    recipe = Recipe(name="kind", min_count=1, model=size, stages=(STAGE,))
    checkpoint = load_checkpoint(train(recipe, Data(photos, photos, "four", "made by a test"), weights, tmp_path))
    with (tmp_path / "log.csv").open() as log:
        assert all(np.isfinite(float(row["dev_cider"])) for row in csv.DictReader(log))
    encoder, decoder = to_onnx(checkpoint.model)
    files = [photo.file for photo in photos]
    # An untrained backbone's numbers are large, and so are their roundings.
    prove_parity(checkpoint.model, encoder, decoder, files, tolerance=1e-2)
    table = calibrate(encoder, decoder, files, "minmax")
    contents = Contents(
        name="kind",
        version="1",
        model=make_flavours(encoder, decoder, table, ("fp32",)),
        table=table,
        vocabulary=checkpoint.vocabulary,
        sizes=sizes_of(size, len(checkpoint.vocabulary)),
        trained_on=checkpoint.trained_on,
    )
    (tmp_path / "bundle").mkdir()
    write_bundle(contents, ("fp32",), "made by a test", tmp_path / "bundle")
    for beam in (1, 3):
        caption = Captioner(tmp_path / "bundle", flavour="fp32", beam=beam).caption(files[0])
        assert caption.words
        assert all(word.attention.shape == (size.grid, size.grid) for word in caption.words)


def test_the_lstm_is_torchs() -> None:
    torch.manual_seed(4)
    cell = torch.nn.LSTMCell(6, 5)
    inputs, read, memory = torch.randn(2, 6), torch.randn(2, 5), torch.randn(2, 5)

    def parts(product: torch.Tensor) -> list[torch.Tensor]:
        write, forget, new, out = product.chunk(4, -1)
        return [torch.cat((out, forget, write), -1), new]

    product = torch.nn.functional.linear
    moved = lstm(
        parts(product(inputs, cell.weight_ih, cell.bias_ih)),
        parts(product(read, cell.weight_hh, cell.bias_hh)),
        torch.cat((read, memory), -1),
    )
    torch.testing.assert_close(moved, torch.cat(cell(inputs, (read, memory)), -1))
