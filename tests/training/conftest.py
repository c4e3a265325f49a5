"""Pictures with sentences, and a backbone, that several tests train with."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

from edge_caption.frame import Pixels
from edge_caption.photos import list_photos, read_photo
from tests.conftest import ROOT, encode
from training.batches import in_steps
from training.data.load import load
from training.encoders import mobilenet_v2
from training.train import Data

WORDS = "a red dog runs on the green grass beside one tall man who holds his new ball"


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    """32 crops of the shipped photos, each with a sentence of its own."""
    folder = tmp_path_factory.mktemp("data")
    photos = [read_photo(file) for file in list_photos(ROOT / "edge_caption" / "demo" / "photos")]
    sentences = [
        " ".join(words) for words in itertools.islice(itertools.permutations(WORDS.split(), 4), 0, 40_000, 1_250)
    ]
    rows = ["image,caption,split"]
    for number, sentence in enumerate(sentences[:32]):
        (folder / f"{number}.jpg").write_bytes(encode(detail(photos[number % len(photos)], number), ".jpg"))
        rows.append(f"{number}.jpg,{sentence},train")
    (folder / "captions.csv").write_text("\n".join(rows) + "\n")
    photos_of = load(folder / "captions.csv", folder, "train")
    return Data(photos_of * 8, photos_of, "thirty-two", "made by a test")  # eight steps an epoch


def detail(photo: Pixels, number: int) -> Pixels:
    """Cut out a part and tint it, each number another: an untrained backbone sees colours and little else."""
    chance = np.random.default_rng(number)
    top, left = chance.integers(0, 150, 2)
    tint = chance.uniform(0.2, 1.0, 3)
    return (photo[top : top + 250, left : left + 250] * tint).astype(np.uint8)


@pytest.fixture(scope="session")
def weights(data: Data, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backbone without training but with batch statistics: it tells photos apart, though it knows nothing of them."""
    torch.manual_seed(2)
    backbone = mobilenet_v2().train()
    images = torch.cat(list(in_steps([photo.file for photo in data.dev], 32)))
    with torch.no_grad():
        for module in backbone.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = None  # the statistics of this one batch
        backbone(images.permute(0, 3, 1, 2) / 64.0 - 2.0)
    file = tmp_path_factory.mktemp("weights") / "untrained.pth"
    torch.save({f"features.{name}": value for name, value in backbone.state_dict().items()}, file)
    return file
