"""The whole toolchain on 32 pictures that it is to learn by heart."""

from __future__ import annotations

import csv
import itertools
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from edge_caption.errors import BundleError, ConfigError
from edge_caption.photos import list_photos, read_photo
from tests.conftest import ROOT, encode
from training.batches import in_steps
from training.checkpoint import load_checkpoint
from training.data.load import load
from training.encoders import mobilenet_v2
from training.model import Dimensions
from training.recipe import Recipe, Stage, load_recipe
from training.train import Data, train

# Lightning's own: it calls what torch has deprecated, and advises on worker processes and loggers.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning:lightning"),
]

WORDS = "a red dog runs on the green grass beside one tall man who holds his new ball".split()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    """32 crops of the shipped photos, each with a sentence of its own."""
    folder = tmp_path_factory.mktemp("data")
    photos = [read_photo(file) for file in list_photos(ROOT / "edge_caption" / "demo" / "photos")]
    sentences = [" ".join(words) for words in itertools.islice(itertools.permutations(WORDS, 4), 0, 40_000, 1_250)]
    rows = ["image,caption,split"]
    for number, sentence in enumerate(sentences[:32]):
        photo = np.roll(photos[number % len(photos)], 37 * number, axis=1)
        (folder / f"{number}.jpg").write_bytes(encode(np.ascontiguousarray(photo), ".jpg"))
        rows += [f"{number}.jpg,{sentence},{split}" for split in ("train",)]
    (folder / "captions.csv").write_text("\n".join(rows) + "\n")
    photos_of = load(folder / "captions.csv", folder, "train")
    return Data(photos_of, photos_of, "thirty-two", "made by a test")


@pytest.fixture(scope="module")
def weights(data: Data, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backbone without training but with batch statistics: it tells photos apart, though it knows nothing of them."""
    torch.manual_seed(2)
    backbone = mobilenet_v2().train()
    images = torch.cat(list(in_steps([photo.file for photo in data.train], 32)))
    with torch.no_grad():
        for module in backbone.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = None  # the statistics of this one batch
        backbone(images.permute(0, 3, 1, 2) / 64.0 - 2.0)
    file = tmp_path_factory.mktemp("weights") / "untrained.pth"
    torch.save({f"features.{name}": value for name, value in backbone.state_dict().items()}, file)
    return file


def recipe(*stages: Stage) -> Recipe:
    size = Dimensions(region=64, attention=32, hidden=96, embedding=64, dropout=0.0)
    return Recipe(name="tiny", min_count=1, model=size, stages=stages)


MEMORISE = Stage(
    name="memorise",
    epochs=20,
    learning_rate=5e-3,
    photos_per_step=4,
    captions_per_photo=1,
    label_smoothing=0.0,
    weight_decay=0.0,
    ema=0.5,
    attention_penalty=0.0,
)


@pytest.mark.skipif(shutil.which("java") is None, reason="scoring needs Java")
def test_thirty_two_photos_are_learnt_by_heart(data: Data, weights: Path, tmp_path: Path) -> None:
    file = train(recipe(MEMORISE), data, weights, tmp_path)
    with (tmp_path / "log.csv").open() as log:
        losses = [float(row["train_loss"]) for row in csv.DictReader(log)]
    assert losses[-1] < losses[0] / 10
    assert load_checkpoint(file).trained_on["dev_cider_greedy_torch"] > 5
    assert (tmp_path / "log.png").stat().st_size > 10_000
