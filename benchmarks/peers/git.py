"""GIT-base (Wang et al. 2022), as microsoft/git-base-coco: ViT-B/16 at 224 pixels, six layers over picture and text.

The picture does not see the words, so its keys and values in the six layers are computed once. In INT8 the first graph
hands them to the second.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.peers import int8_graphs
from benchmarks.peers.hugging_face import load_transformers, speaker
from benchmarks.peers.peer import Say

SIDE = 224

NEVER = -1e9
"""Added to what must not be seen."""


def load(_: Path, threads: int) -> Say:
    """Build it with untrained weights."""
    return speaker(_model(), threads, SIDE)


def export(folder: Path) -> None:
    """Write it as INT8 ONNX."""
    from benchmarks.peers.int8_export import export as write

    model = _model().eval()
    picture = Picture(model.git)
    write(picture, Text(model), folder, SIDE, picture(torch.zeros(1, 3, SIDE, SIDE)).last_hidden_state)


def load_int8(folder: Path, threads: int) -> Say:
    """Load what `export` wrote."""
    return int8_graphs.load(folder, threads, SIDE)


def _model() -> Any:
    transformers = load_transformers()
    return transformers.GitForCausalLM(transformers.GitConfig(vision_config={"image_size": SIDE}))


class Kept:
    """What `transformers` takes for a cache: notes each layer's keys and values."""

    def __init__(self) -> None:
        self.layers: list[Tensor] = []

    def update(self, keys: Tensor, values: Tensor, _: int, **__: object) -> tuple[Tensor, Tensor]:
        """Note them, and change nothing."""
        self.layers += [keys, values]
        return keys, values


class Before:
    """The same: puts the picture's keys and values before the words'."""

    def __init__(self, seen: Tensor) -> None:
        self._seen = seen

    def update(self, keys: Tensor, values: Tensor, layer: int, **__: object) -> tuple[Tensor, Tensor]:
        """Return both together."""
        return torch.cat([self._seen[2 * layer], keys], 2), torch.cat([self._seen[2 * layer + 1], values], 2)


class Picture(nn.Module):
    """The picture's part: (1, 3, side, side) -> keys and values (2 x layers, 1, heads, regions, width)."""

    def __init__(self, git: Any) -> None:
        super().__init__()
        self.git = git

    def forward(self, pixels: Tensor) -> Any:
        """See a picture."""
        kept = Kept()
        seen = self.git.visual_projection(self.git.image_encoder(pixels).last_hidden_state)
        self.git.encoder(seen, None, kept)
        return SimpleNamespace(last_hidden_state=torch.stack(kept.layers))


class Text(nn.Module):
    """The words' part, which answers as a decoder with attention to a picture does."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor, encoder_hidden_states: Tensor, **_: object) -> Any:
        """Go on from all words so far: each sees the picture and the words before it."""
        places = attention_mask.cumsum(1)
        later = (places[:, None, :] > places[:, :, None]).float() * NEVER
        regions = places[:, :, None].float() * torch.zeros(encoder_hidden_states.shape[3])
        unseen = torch.cat([regions, later], 2)[:, None]
        embedded = self.model.git.embeddings(input_ids=input_ids, position_ids=places - 1)
        found = self.model.git.encoder(embedded, unseen, Before(encoder_hidden_states))
        return SimpleNamespace(logits=self.model.output(found.last_hidden_state))
