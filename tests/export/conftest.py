from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from onnx import ModelProto
from torch import nn

from calibration.calibrate import calibrate
from calibration.table import Table
from edge_caption.model.vocabulary import SPECIAL, Vocabulary
from export.flavours import make_flavours
from export.to_onnx import to_onnx
from export.write_bundle import Contents, sizes_of
from training.model.caption_model import CaptionModel, Dimensions
from training.model.checkpoint import Checkpoint

SIZE = Dimensions(region=32, attention=16, hidden=32, embedding=64)
WORDS = (*SPECIAL, *(f"word{number}" for number in range(36)))


@dataclass(frozen=True)
class Exported:
    """A captioner with the real backbone, small otherwise, with random weights."""

    checkpoint: Checkpoint
    encoder: ModelProto
    decoder: ModelProto
    table: Table
    photos: Sequence[Path]

    @property
    def contents(self) -> Contents:
        return Contents(
            name="test",
            version="1",
            model=make_flavours(self.encoder, self.decoder, self.table),
            table=self.table,
            vocabulary=self.checkpoint.vocabulary,
            sizes=sizes_of(SIZE, len(WORDS)),
            trained_on={"data": "none", "terms": "none"},
        )


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    files = [folder / f"{number}.png" for number in range(6)]
    for file in files:
        colours = random.integers(0, 256, (5, 5, 3), np.uint8)
        cv2.imwrite(str(file), cv2.resize(colours, (240, 230), interpolation=cv2.INTER_CUBIC))
    return files


@pytest.fixture(scope="session")
def exported(photos: list[Path]) -> Exported:
    model = untrained()
    encoder, decoder = to_onnx(model)
    table = calibrate(encoder, decoder, photos, "minmax")
    return Exported(Checkpoint(model, Vocabulary(WORDS), {}), encoder, decoder, table, photos)


def untrained() -> CaptionModel:
    torch.manual_seed(0)
    model = CaptionModel(SIZE, len(WORDS))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):  # as if it had seen photos, or folding would be trivial
            nn.init.uniform_(module.weight, 0.8, 1.6)
            nn.init.uniform_(module.bias, -0.2, 0.6)
            assert module.running_mean is not None
            assert module.running_var is not None
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    nn.init.normal_(model.decoder.word_bias)
    return model.eval()
