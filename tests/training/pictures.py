"""A data set and a backbone that a test makes for itself."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import torch

from edge_caption.images.frame import Pixels
from edge_caption.images.photos import read_photo
from tests.conftest import PHOTOS, encode
from training.data.batches import in_steps
from training.data.captioned_photos import CaptionedPhoto
from training.data.load import load
from training.model.backbones import BACKBONES, EncoderName, build

WORDS = "a red dog runs on the green grass beside one tall man who holds his new ball"


def captioned(folder: Path, count: int) -> list[CaptionedPhoto]:
    """Write crops of real photos, at most 32, each with a sentence of its own."""
    photos = [read_photo(file) for file in PHOTOS]
    sentences = [
        " ".join(words) for words in itertools.islice(itertools.permutations(WORDS.split(), 4), 0, 40_000, 1_250)
    ]
    rows = ["image,caption,split"]
    for number, sentence in enumerate(sentences[:count]):
        (folder / f"{number}.jpg").write_bytes(encode(detail(photos[number % len(photos)], number), ".jpg"))
        rows.append(f"{number}.jpg,{sentence},train")
    (folder / "captions.csv").write_text("\n".join(rows) + "\n")
    return load(folder / "captions.csv", folder, "train")


def detail(photo: Pixels, number: int) -> Pixels:
    """Cut out a part and tint it, each number another: an untrained backbone sees colours and little else."""
    chance = np.random.default_rng(number)
    top, left = chance.integers(0, 150, 2)
    tint = chance.uniform(0.2, 1.0, 3)
    return (photo[top : top + 250, left : left + 250] * tint).astype(np.uint8)


def backbone_weights(name: EncoderName, photos: list[CaptionedPhoto], folder: Path) -> Path:
    """Save a backbone without training but with batch statistics: it tells photos apart, though it knows nothing."""
    torch.manual_seed(2)
    backbone = build(name).train()
    images = torch.cat(list(in_steps([photo.file for photo in photos], 32, 224)))
    mean, deviation = (
        torch.tensor(part).view(1, 3, 1, 1) for part in (BACKBONES[name].mean, BACKBONES[name].deviation)
    )
    with torch.no_grad():
        for module in backbone.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = None  # the statistics of this one batch
        backbone((images.permute(0, 3, 1, 2) / 255 - mean) / deviation)
    file = folder / f"{name}.pth"
    torch.save(backbone.state_dict(), file)
    return file
