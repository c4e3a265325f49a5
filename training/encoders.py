"""Backbones: normalised photo -> a grid of features."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torchvision import models

from training.data.photos import DataError

CHANNELS = 1280
"""Channels of the backbone's last convolution."""

PREFIX = "features."
"""torchvision's names of the backbone's weights begin with it; the classifier's don't."""


def mobilenet_v2() -> nn.Module:
    """Build torchvision's MobileNetV2 up to its last convolution, untrained.

    Returns:
        (B, 3, 224, 224), normalised with ImageNet's mean and deviation -> (B, CHANNELS, 7, 7), 0 to 6 (ReLU6).
    """
    return models.mobilenet_v2(weights=None).features


def load_imagenet(backbone: nn.Module, weights: Path | None) -> None:
    """Fill the backbone with ImageNet weights.

    Args:
        weights: a state dict with torchvision's names, or None for torchvision's own download.

    Raises:
        DataError: the file is not such a state dict, or the download failed.
    """
    try:
        if weights is None:
            state = models.MobileNet_V2_Weights.IMAGENET1K_V1.get_state_dict(check_hash=True)
        else:
            state = torch.load(weights, map_location="cpu", weights_only=True)
        own = {name.removeprefix(PREFIX): value for name, value in state.items() if name.startswith(PREFIX)}
        backbone.load_state_dict(own)
    except Exception as error:  # torch.load raises a dozen kinds, the download a few more
        reason = str(error).splitlines()[0]
        raise DataError(
            f"no ImageNet weights from {weights or 'torchvision'} ({reason}); give a file of them"
        ) from error
