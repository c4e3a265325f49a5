"""ResNet-101 and an LSTM with attention: Xu et al. 2015 in the sizes of the best-known PyTorch tutorial.

github.com/sgrvinod/a-PyTorch-Tutorial-to-Image-Captioning: 256 pixels, 14x14 regions of 2048, attention, embedding and
LSTM of 512, 9,490 words.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.peers.peer import Say, to_array
from edge_caption.images.frame import Pixels
from training.model.torchvision_import import ensure_importable

SIDE, GRID, REGION, SIZE, WORDS = 256, 14, 2048, 512, 9490


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

    def forward(self, regions: Tensor, steps: int) -> list[int]:
        """Say a sentence of regions (1, R, REGION), greedily."""
        hidden, cell = (layer(regions.mean(1)) for layer in self.first)
        keys, word, said = self.regions(regions), torch.zeros(1, dtype=torch.long), []
        for _ in range(steps):
            scores = self.score(torch.relu(keys + self.hidden(hidden)[:, None])).squeeze(-1)
            seen = (torch.softmax(scores, -1)[..., None] * regions).sum(1) * torch.sigmoid(self.gate(hidden))
            hidden, cell = self.cell(torch.cat([self.embedding(word), seen], -1), (hidden, cell))
            word = self.words(hidden).argmax(-1)
            said.append(int(word))
        return said


def load(_: Path, threads: int) -> Say:
    """Build it with untrained weights."""
    ensure_importable()
    from torchvision.models import resnet101

    torch.set_num_threads(threads)
    backbone = nn.Sequential(*list(resnet101().children())[:-2], nn.AdaptiveAvgPool2d(GRID)).eval()
    decoder = AttentionLstm().eval()

    @torch.inference_mode()
    def say(frame: Pixels, steps: int) -> object:
        planes = backbone(torch.from_numpy(to_array(frame, SIDE)))
        return decoder(planes.flatten(2).transpose(1, 2), steps)

    return say
