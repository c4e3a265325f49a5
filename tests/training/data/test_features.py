from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from edge_caption.images.frame import Pixels
from tests.conftest import encode
from training.data.captioned_photos import CaptionedPhoto
from training.data.features import features_of
from training.model.caption_model import Dimensions, Encoder


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


def test_features_are_those_of_the_photo_that_is_there(
    picture: Pixels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = Encoder(Dimensions(region=8, attention=8, hidden=8, embedding=8, side=32))
    relative = [CaptionedPhoto(Path("photo.png"), ("a dog runs",))]
    for folder, shift in (("first", 0), ("second", 9), ("second", 30)):  # another folder; another photo under its name
        (tmp_path / folder).mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path / folder)
        Path("photo.png").write_bytes(encode(np.roll(picture, 7 * shift, 1), ".png"))
        features_of(encoder, relative, tmp_path, "train")
    assert len(list(tmp_path.glob("train-*.npy"))) == 3


def test_features_that_were_cut_short_are_computed_again(picture: Pixels, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(encode(picture, ".png"))
    encoder = Encoder(Dimensions(region=8, attention=8, hidden=8, embedding=8, side=32))
    photos = [CaptionedPhoto(tmp_path / "photo.png", ("a dog runs",))]
    whole = np.array(features_of(encoder, photos, tmp_path, "train"))
    (file,) = tmp_path.glob("train-*.npy")
    for size in (file.stat().st_size // 2, 0):
        os.truncate(file, size)
        assert np.array_equal(features_of(encoder, photos, tmp_path, "train"), whole)
