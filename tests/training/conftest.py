"""A data set and a backbone that several tests train with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.training.pictures import backbone_weights, captioned
from training.data.splits import Data


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    """32 crops of the shipped photos, each with a sentence of its own."""
    folder = tmp_path_factory.mktemp("data")
    photos = captioned(folder, 32)
    # Eight steps an epoch: each photo under eight names.
    copies = [replace(photo, file=folder / f"{copy}-{photo.file.name}") for copy in range(8) for photo in photos]
    for copy, photo in zip(copies, photos * 8, strict=True):
        copy.file.hardlink_to(photo.file)
    return Data(copies, photos, "thirty-two", "made by a test")


@pytest.fixture(scope="session")
def weights(data: Data, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backbone without training."""
    return backbone_weights("mobilenet_v2", [*data.dev], tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="session")
def imagenet() -> Path:
    """MobileNetV2's real weights beside the checkout; the product never needs them."""
    file = ROOT.parent / "shared" / "weights" / "mobilenet_v2_imagenet_features.pth"
    if not file.is_file():
        pytest.skip(f"needs {file}")
    return file
