"""A judge of pairs of photo and sentence: did a person write this of this photo?

Dai et al. 2017 (the logistic of the dot product of what photo and sentence become), with Kim 2014's convolutions over
words, which a CPU runs faster than a recurrent reader.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from edge_caption.model.vocabulary import PAD, UNKNOWN

WIDTHS = (1, 2, 3, 4)
"""Words that the convolutions see at once."""

FILTERS = 64
"""Of each width."""

DROPOUT = 0.3


class Discriminator(nn.Module):
    """Scores sentences of a photo."""

    def __init__(self, channels: int, embedding: Tensor) -> None:
        """Take the channels of features, and the words as the captioner embeds them (V, E), to begin with."""
        super().__init__()
        scaled = embedding.detach() / embedding.detach().std()
        self.embedding = nn.Embedding.from_pretrained(scaled, freeze=False, padding_idx=PAD)
        nn.init.zeros_(self.embedding.weight[PAD])
        # Without bias: what lies in padding alone is then nothing, and says nothing of how long the batch's others are.
        self.convolutions = nn.ModuleList(
            nn.Conv1d(embedding.shape[1], FILTERS, width, padding=width - 1, bias=False) for width in WIDTHS
        )
        photo = nn.Linear(channels, FILTERS * len(WIDTHS))
        nn.init.zeros_(photo.weight)  # no opinion to begin with: large wrong ones take long to unlearn
        self.photo = nn.Sequential(nn.LayerNorm(channels), nn.Dropout(DROPOUT), photo)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, features: Tensor, sentences: Tensor) -> Tensor:
        """Return logits (P, N) of a person having written the sentences (P, N, T) of the photos (P, C, GRID, GRID)."""
        words = self.embedding(sentences.flatten(0, 1)).transpose(1, 2)  # (P * N, E, T)
        found = torch.cat([functional.relu(convolve(words)).amax(-1) for convolve in self.convolutions], -1)
        read = self.dropout(found).unflatten(0, sentences.shape[:2])  # (P, N, FILTERS * WIDTHS)
        seen = self.photo(features.mean((2, 3)))  # (P, FILTERS * WIDTHS)
        return torch.einsum("pnf,pf->pn", read, seen).float() / seen.shape[1] ** 0.5

    @torch.no_grad()
    def likely(self, features: Tensor, sentences: Tensor) -> Tensor:
        """Return how likely (0-1) a person wrote each sentence: (P, N)."""
        self.eval()
        return self(features, sentences).sigmoid()

    def loss(self, features: Tensor, written: Tensor, said: Tensor) -> Tensor:
        """Tell what people wrote of the photos from what was said of them, and from what was written of others."""
        self.train()
        # The captioner never says <unknown>, so it would give people away.
        whole = (written != PAD).any(-1) & (written != UNKNOWN).all(-1)  # (P, N)
        right, wrong = self(features, written)[whole], self(features.roll(1, 0), written)[whole]
        return _loss(right, 1.0) + 0.5 * (_loss(wrong, 0.0) + _loss(self(features, said), 0.0))


def _loss(logits: Tensor, truth: float) -> Tensor:
    if not logits.numel():  # the mean of no sentence is no number
        return logits.sum()
    return functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, truth))
