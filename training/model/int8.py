"""INT8's rounding inside PyTorch, where a backbone can learn to live with it (Jacob et al. 2018).

What is rounded, and to what, follows export.qdq: activations to 8 bits over a range for each tensor, weights
symmetrically for each output channel (which folding a batch normalisation does not change), additions too. The gradient
passes a rounding unchanged, and stops where a value saturates.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torchvision.models.mobilenetv2 import InvertedResidual

from training.model.caption_model import Encoder

KEPT = 0.99
"""Share of a range that one batch leaves as it was."""

NARROW = 1e-6
"""Keeps a tensor that never changes from a division by zero."""


class RoundedActivation(nn.Module):
    """Rounds to 256 levels over a range that follows what is seen while training."""

    low: Tensor
    high: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("low", torch.zeros(()))
        self.register_buffer("high", torch.zeros(()))

    def forward(self, values: Tensor) -> Tensor:
        """Keep the shape."""
        if self.training:
            self._widen(values.detach())
        scale = (self.high - self.low).clamp(min=NARROW) / 255
        zero = (-self.low / scale).round().clamp(0, 255).to(torch.int32)
        return torch.fake_quantize_per_tensor_affine(values, scale, zero, 0, 255)

    def _widen(self, values: Tensor) -> None:
        """Follow the batch's extremes; the range always holds 0."""
        low, high = values.min().clamp(max=0), values.max().clamp(min=0)
        kept = KEPT if self.high > self.low else 0.0
        self.low.lerp_(low, 1 - kept)
        self.high.lerp_(high, 1 - kept)


class RoundedWeight(nn.Module):
    """Rounds weights (C, ...) to -127 to 127 steps of each output channel."""

    def forward(self, weight: Tensor) -> Tensor:
        """Keep the shape."""
        steps = weight.detach().flatten(1).abs().amax(1).clamp(min=NARROW) / 127
        zeros = torch.zeros(len(weight), dtype=torch.int32, device=weight.device)
        return torch.fake_quantize_per_channel_affine(weight, steps, zeros, 0, -127, 127)


def round_like_int8(encoder: Encoder) -> None:
    """Let an encoder with MobileNetV2 see as its INT8 graph will."""
    for module in list(encoder.modules()):
        if isinstance(module, nn.Conv2d | nn.Linear):
            parametrize.register_parametrization(module, "weight", RoundedWeight())
    for module in _last_of_each_kernel(encoder):
        module.rounded = RoundedActivation()
        module.register_forward_hook(_round_output)


def stop_rounding(encoder: Encoder) -> None:
    """Take the rounding out again; the weights stay as they were learnt."""
    for module in list(encoder.modules()):
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=False)
        if isinstance(getattr(module, "rounded", None), RoundedActivation):
            del module.rounded


def _round_output(module: nn.Module, _: Any, output: Tensor) -> Tensor:
    rounded = getattr(module, "rounded", None)
    return output if rounded is None else rounded(output)


def _last_of_each_kernel(encoder: Encoder) -> list[nn.Module]:
    """Return what ends an integer kernel: a clamp, a batch normalisation without one, a sum, a key."""
    backbone = list(encoder.backbone.modules())
    clamped = {id(block[1]) for block in backbone if isinstance(block, nn.Sequential) and _ends_in_clamp(block)}
    ends = [
        module
        for module in backbone
        if isinstance(module, nn.ReLU6)
        or (isinstance(module, nn.BatchNorm2d) and id(module) not in clamped)
        or (isinstance(module, InvertedResidual) and module.use_res_connect)
    ]
    return [*ends, encoder.key]


def _ends_in_clamp(block: nn.Sequential) -> bool:
    return len(block) == 3 and isinstance(block[1], nn.BatchNorm2d) and isinstance(block[2], nn.ReLU6)
