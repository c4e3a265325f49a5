"""Backbones: normalised photo -> a grid of features; torchvision's, and EfficientNet-Lite."""

from __future__ import annotations

import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch
from torch import nn
from torchvision import models

from training.errors import DataError
from training.model import efficientnet_lite
from training.model.checksum import check_whole
from training.model.efficientnet_lite import LiteName

Colour = tuple[float, float, float]

EncoderName = Literal[
    "mobilenet_v2", "mobilenet_v3_large", LiteName, "vgg16", "resnet18", "resnet50", "resnet101", "inception_v3"
]

OURS = "encoder.backbone."
"""What the backbone's weights are called in a checkpoint."""

HEAD = {"AuxLogits", "avgpool", "dropout", "classifier", "fc"}
"""What torchvision's classifiers have beside or behind the features."""


@dataclass(frozen=True)
class Backbone:
    """What there is to know of a backbone that makes one region of 32x32 pixels."""

    channels: int
    """Of its last features."""
    lost: int = 0
    """Rows and columns of regions that it has fewer, for it doesn't pad."""
    mean: Colour = (0.485, 0.456, 0.406)
    """Of red, green and blue (0-1), which its weights were trained to be given without; ImageNet's."""
    deviation: Colour = (0.229, 0.224, 0.225)
    origin: str = "torchvision's"
    """Whose ImageNet weights it begins with."""
    options: Mapping[str, bool] = field(default_factory=dict)
    """For torchvision's constructor."""

    def grid(self, side: int) -> int:
        """Return how many rows and columns of features it makes of `side` pixels, a multiple of 32."""
        return side // 32 - self.lost


BACKBONES: dict[EncoderName, Backbone] = {
    "mobilenet_v2": Backbone(1280),
    "mobilenet_v3_large": Backbone(960),
    **{
        name: Backbone(
            scale.channels, mean=(127 / 255,) * 3, deviation=(128 / 255,) * 3, origin="TensorFlow's (Apache-2.0)"
        )
        for name, scale in efficientnet_lite.SCALES.items()
    },
    "vgg16": Backbone(512),
    "resnet18": Backbone(512),
    "resnet50": Backbone(2048),
    "resnet101": Backbone(2048),
    # Its weights came from TensorFlow, with colours from -1 to 1.
    "inception_v3": Backbone(2048, 2, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), options={"init_weights": False}),
}


def build(name: EncoderName) -> nn.Module:
    """Build a backbone up to its last features, untrained.

    Returns:
        (B, 3, side, side), normalised -> (B, channels, grid, grid).
    """
    if name in efficientnet_lite.SCALES:
        backbone = efficientnet_lite.build(efficientnet_lite.SCALES[name])
    else:
        whole = models.get_model(name, weights=None, **BACKBONES[name].options)
        backbone = nn.Sequential(OrderedDict(item for item in whole.named_children() if item[0] not in HEAD))
    # As the photos come; convolutions would otherwise reorder their weights at every step.
    return backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def load_imagenet(backbone: nn.Module, name: EncoderName, weights: Path | None) -> None:
    """Fill a backbone with ImageNet weights.

    Args:
        weights: a state dict with torchvision's names, or, for EfficientNet-Lite, its package's; or one of our
            checkpoints, whose backbone goes on; None for torchvision's own download, or the package where it is
            installed.

    Raises:
        DataError: the file is not such a state dict, or the download failed.
    """
    lite = name in efficientnet_lite.SCALES
    if lite and weights is None:
        weights = efficientnet_lite.packaged_weights(name)
    wanted = backbone.state_dict()
    try:
        if weights is None:
            state = models.get_model_weights(name)["IMAGENET1K_V1"].get_state_dict(check_hash=True)
        else:
            if zipfile.is_zipfile(weights):  # torch before 1.6 wrote another form, without checksums
                check_whole(weights)
            state = torch.load(weights, map_location="cpu", weights_only=True)
        if "dimensions" in state:
            state = {key.removeprefix(OURS): value for key, value in state["model"].items() if key.startswith(OURS)}
        if lite:
            state = efficientnet_lite.renamed(state, wanted)
        backbone.load_state_dict({key: value for key, value in state.items() if key in wanted})
    except Exception as error:  # torch.load raises a dozen kinds, the download a few more
        # What PyTorch says of a file that is something else is of no help.
        reason = f" ({error})" if isinstance(error, OSError) else ""
        raise DataError(
            f"no ImageNet weights of {name} from {weights or 'torchvision'}{reason}; give a file of them"
        ) from error
