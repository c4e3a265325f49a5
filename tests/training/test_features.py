from __future__ import annotations

from pathlib import Path

import torch

from edge_caption.frame import Pixels
from tests.conftest import encode
from training.data.photos import CaptionedPhoto
from training.features import features_of
from training.model import Dimensions, Encoder


def test_computing_features_leaves_the_backbone_as_it_was(picture: Pixels, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(encode(picture, ".png"))
    encoder = Encoder(Dimensions(region=8, attention=8, hidden=8, embedding=8)).train()
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    captioned = [CaptionedPhoto(photo, ("a dog runs",))]
    features = features_of(encoder, captioned, tmp_path, "train")
    assert features.shape == (2, 1, 1280, 7, 7)
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())
    features_of(encoder, captioned, tmp_path, "train")
    assert len(list(tmp_path.glob("train-*.npy"))) == 1
    encoder.side = 96
    assert features_of(encoder, captioned, tmp_path, "train").shape == (2, 1, 1280, 3, 3)
