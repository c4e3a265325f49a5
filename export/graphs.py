"""The captioner's modules, rewritten as the two graphs that a device runs.

Same mathematics and weights as `training.model.caption_model`, in the form that quantizes and runs with the fewest
nodes; the parity proof compares the two at every export. Letters in shapes as in `training.model.caption_model`.
"""

from __future__ import annotations

import copy
import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from training.model.caption_model import CaptionModel, Decoder


class EncoderGraph(nn.Module):
    """Photo -> regions, keys, first state.

    Batch normalisation and the division by the deviation are folded into convolutions. The mean stays a
    subtraction: the first convolution pads with zeros, which mean "an average pixel" after it and "black" before it.
    """

    mean: Tensor

    def __init__(self, model: CaptionModel) -> None:
        super().__init__()
        encoder = model.encoder
        self.backbone = fold_batch_norms(copy.deepcopy(encoder.backbone))
        first = next(module for module in self.backbone.modules() if isinstance(module, nn.Conv2d))
        first.weight = nn.Parameter(first.weight / encoder.deviation)
        self.project, self.key, self.pooled = encoder.project, encoder.key, encoder.pooled
        self.start = as_convolution(encoder.start)
        self.register_buffer("mean", encoder.mean)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See a photo: (1, side, side, 3) uint8, RGB -> (1, R, D), (1, R, A), (1, S)."""
        planes = image.permute(0, 3, 1, 2).float() - self.mean  # (1, 3, side, side)
        grid = functional.relu(self.project(self.backbone(planes)))  # (1, D, rows, columns)
        average = functional.avg_pool2d(grid, grid.shape[2:])  # (1, D, 1, 1)
        grid = average if self.pooled else grid
        return in_rows(grid), in_rows(self.key(grid)), torch.tanh(self.start(average).flatten(1))


class DecoderGraph(nn.Module):
    """One word -> the next: `Decoder.step` for one photo, on matrices, so that each Linear is a single Gemm."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, token: Tensor, state: Tensor, regions: Tensor, keys: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Say B words.

        Args:
            token: (B,) the words before.
            state: (B, S).
            regions: (1, R, D).
            keys: (1, R, A).

        Returns:
            log-probabilities (B, V), the next states (B, S), attention (B, R).
        """
        decoder = self.decoder
        query, gate, hidden = decoder.read(state)
        attention = decoder.attend(query.unsqueeze(1), keys)  # (B, R)
        context = torch.sigmoid(gate) * (attention @ regions).squeeze(0)  # (B, D)
        state = decoder.move(decoder.embedding(token), context, hidden, state)
        return decoder.logits(state, context).log_softmax(-1), state, attention


def fold_batch_norms(module: nn.Module) -> nn.Module:
    """Merge each batch normalisation into the convolution before it, in place."""
    children = list(module.named_children())
    for (name, child), (next_name, following) in itertools.pairwise(children):
        if isinstance(child, nn.Conv2d) and isinstance(following, nn.BatchNorm2d):
            setattr(module, name, fuse_conv_bn_eval(child.eval(), following.eval()))
            setattr(module, next_name, nn.Identity())
    for _, child in children:
        fold_batch_norms(child)
    return module


def as_convolution(linear: nn.Linear) -> nn.Conv2d:
    """Write a Linear as a 1x1 convolution: then the encoder needs one kind of quantized product, not two."""
    convolution = nn.Conv2d(linear.in_features, linear.out_features, 1)
    convolution.weight = nn.Parameter(linear.weight.detach()[:, :, None, None].clone())
    convolution.bias = nn.Parameter(linear.bias.detach().clone())
    return convolution


def in_rows(grid: Tensor) -> Tensor:
    """List a grid's regions row by row: (1, C, rows, columns) -> (1, R, C)."""
    return grid.permute(0, 2, 3, 1).flatten(1, 2)
