"""ResNet-101 and an LSTM with attention: Xu et al. 2015 in the sizes of the best-known PyTorch tutorial.

github.com/sgrvinod/a-PyTorch-Tutorial-to-Image-Captioning: 256 pixels, 14x14 regions of 2048, attention, embedding and
LSTM of 512, 9,490 words.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.peers.int8_graphs import GRAPHS, open_graph
from benchmarks.peers.peer import Say, to_array
from edge_caption.commands.measurement.frames import frames
from edge_caption.images.frame import Pixels
from training.model.torchvision_import import ensure_importable

SIDE, GRID, REGION, SIZE, WORDS = 256, 14, 2048, 512, 9490

STRIDE = 32
"""Of the backbone."""

STATE = ("regions", "keys", "hidden", "cell")
"""What the backbone hands to the decoder."""


class AttentionLstm(nn.Module):
    """The decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(WORDS, SIZE)
        self.regions, self.hidden, self.score = nn.Linear(REGION, SIZE), nn.Linear(SIZE, SIZE), nn.Linear(SIZE, 1)
        self.gate = nn.Linear(SIZE, REGION)
        self.cell = nn.LSTMCell(SIZE + REGION, SIZE)
        self.first = nn.ModuleList([nn.Linear(REGION, SIZE), nn.Linear(REGION, SIZE)])
        self.words = nn.Linear(SIZE, WORDS)

    def begin(self, regions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return keys, hidden and cell of regions (1, R, REGION)."""
        hidden, cell = (layer(regions.mean(1)) for layer in self.first)
        return self.regions(regions), hidden, cell

    def forward(
        self, word: Tensor, hidden: Tensor, cell: Tensor, regions: Tensor, keys: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the next word, hidden and cell."""
        scores = self.score(torch.relu(keys + self.hidden(hidden)[:, None])).squeeze(-1)
        seen = (torch.softmax(scores, -1)[..., None] * regions).sum(1) * torch.sigmoid(self.gate(hidden))
        hidden, cell = self.cell(torch.cat([self.embedding(word), seen], -1), (hidden, cell))
        return self.words(hidden).argmax(-1), hidden, cell


class Backbone(nn.Module):
    """The encoder, and what the decoder begins with: (1, 3, SIDE, SIDE) -> regions, keys, hidden, cell."""

    def __init__(self, decoder: AttentionLstm) -> None:
        super().__init__()
        ensure_importable()
        from torchvision.models import resnet101

        self.layers = nn.Sequential(*list(resnet101().children())[:-2])
        # Adaptive pooling to the grid as a product of matrices, for it does not export.
        self.means = nn.AdaptiveAvgPool1d(GRID)(torch.eye(SIDE // STRIDE)).T
        self.decoder = decoder

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """See a picture."""
        regions = (self.means @ self.layers(pixels) @ self.means.T).flatten(2).transpose(1, 2)
        return (regions, *self.decoder.begin(regions))


def load(_: Path, threads: int) -> Say:
    """Build it with untrained weights."""
    torch.set_num_threads(threads)
    decoder = AttentionLstm().eval()
    backbone = Backbone(decoder).eval()

    @torch.inference_mode()
    def say(frame: Pixels, steps: int) -> object:
        regions, keys, hidden, cell = backbone(torch.from_numpy(to_array(frame, SIDE)))
        word, said = torch.zeros(1, dtype=torch.long), []
        for _ in range(steps):
            word, hidden, cell = decoder(word, hidden, cell, regions, keys)
            said.append(int(word))
        return said

    return say


class Frames:
    """The frames, for the ranges of the backbone's activations."""

    def __init__(self) -> None:
        self._inputs = iter([{"pixels": to_array(frame, SIDE)} for frame in frames()])

    def get_next(self) -> dict[str, Any] | None:
        """Return one after another, then None."""
        return next(self._inputs, None)


def export(folder: Path) -> None:
    """Write it as INT8 ONNX: convolutions with ranges of activations, as they need them, the decoder dynamically."""
    from onnxruntime.quantization import CalibrationDataReader, quantize_static

    from benchmarks.peers.int8_export import exporting, write, write_floats

    CalibrationDataReader.register(Frames)
    decoder = AttentionLstm().eval()
    backbone, pixels = Backbone(decoder), torch.zeros(1, 3, SIDE, SIDE)
    seen = dict(zip(STATE, backbone.eval()(pixels), strict=True))
    step = {"word": torch.zeros(1, dtype=torch.long), **{name: seen[name] for name in (*STATE[2:], *STATE[:2])}}
    with exporting():
        floats = write_floats(backbone, {"pixels": pixels}, folder / "floats.onnx", {})
        quantize_static(floats, folder / GRAPHS[0], Frames(), per_channel=True)
        floats.unlink()
        write(decoder, step, folder / GRAPHS[1], {})


def load_int8(folder: Path, threads: int) -> Say:
    """Load what `export` wrote."""
    encoder, decoder = (open_graph(folder / name, threads) for name in GRAPHS)

    def say(frame: Pixels, steps: int) -> object:
        regions, keys, hidden, cell = encoder.run(None, {"pixels": to_array(frame, SIDE)})
        word, said = np.zeros(1, np.int64), []
        for _ in range(steps):
            given = {"word": word, "hidden": hidden, "cell": cell, "regions": regions, "keys": keys}
            word, hidden, cell = decoder.run(None, given)
            said.append(int(word[0]))
        return said

    return say
