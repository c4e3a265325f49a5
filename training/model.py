"""The captioner: MobileNetV2 -> 49 regions -> a GRU with additive attention over them.

Bahdanau et al. 2015 (additive attention), Xu et al. 2015 (over image regions, gated by what was said). The cell is
written as matrix products and elementwise operations, because ONNX Runtime has no quantized GRU; `Decoder.step` is the
graph that a device runs.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional

from edge_caption.vocabulary import SPECIAL
from training.encoders import CHANNELS, mobilenet_v2

GRID = 7
REGIONS = GRID * GRID

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


class Dimensions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Sizes of the captioner; letters as in the shapes below."""

    region: int = 512  # D
    attention: int = 256  # A
    hidden: int = 512  # H
    embedding: int = 256  # E
    dropout: float = 0.4


class Seen(NamedTuple):
    """All that is computed once a photo."""

    regions: Tensor  # (P, REGIONS, D)
    keys: Tensor  # (P, REGIONS, A)
    state: Tensor  # (P, H)


class Encoder(nn.Module):
    """Photo -> what the decoder needs of it."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, size: Dimensions) -> None:
        super().__init__()
        self.backbone = mobilenet_v2()
        self.dropout = nn.Dropout2d(size.dropout / 2)
        self.project = nn.Conv2d(CHANNELS, size.region, 1)
        self.key = nn.Conv2d(size.region, size.attention, 1)
        self.start = nn.Linear(size.region, size.hidden)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer("deviation", torch.tensor(IMAGENET_DEVIATION).view(1, 3, 1, 1) * 255, persistent=False)

    def forward(self, image: Tensor) -> Seen:
        """See a photo: (B, 224, 224, 3) uint8, RGB."""
        return self.attend_to(self.features(image))

    def features(self, image: Tensor) -> Tensor:
        """Run the backbone: (B, 224, 224, 3) uint8 -> (B, CHANNELS, GRID, GRID)."""
        planes = image.permute(0, 3, 1, 2).float()  # (B, 3, 224, 224)
        return self.backbone((planes - self.mean) / self.deviation)

    def attend_to(self, features: Tensor) -> Seen:
        """Turn the backbone's features (B, CHANNELS, GRID, GRID) into regions, keys and the first state."""
        grid = functional.relu(self.project(self.dropout(features)))  # (B, D, GRID, GRID)
        regions = grid.flatten(2).transpose(1, 2)  # (B, REGIONS, D)
        keys = self.key(grid).flatten(2).transpose(1, 2)  # (B, REGIONS, A)
        state = torch.tanh(self.start(regions.mean(1)))  # (B, H)
        return Seen(regions, keys, state)


class Decoder(nn.Module):
    """One word -> the next, looking at the regions.

    P photos, N sentences of each (references in training, samples, or beams): they share their photo's regions.
    """

    def __init__(self, size: Dimensions, words: int) -> None:
        super().__init__()
        self.size = size
        self.embedding = nn.Embedding(words, size.embedding)  # also the output's weights ("tied")
        self.from_state = nn.Linear(size.hidden, size.attention + size.region + 3 * size.hidden)
        self.score = nn.Linear(size.attention, 1, bias=False)
        self.from_input = nn.Linear(size.embedding + size.region, 3 * size.hidden)
        self.to_output = nn.Linear(size.hidden + size.region, size.embedding)
        self.word_bias = nn.Parameter(torch.zeros(words))
        self.dropout = nn.Dropout(size.dropout)
        nn.init.normal_(self.embedding.weight, std=size.embedding**-0.5)

    def step(self, token: Tensor, state: Tensor, regions: Tensor, keys: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Say one word: what a device runs.

        Args:
            token: (P, N) the word before.
            state: (P, N, H).
            regions: (P, REGIONS, D).
            keys: (P, REGIONS, A).

        Returns:
            log-probabilities (P, N, V), the next state (P, N, H), attention (P, N, REGIONS).
        """
        state, context, attention = self.advance(token, state, regions, keys)
        return self.logits(state, context).log_softmax(-1), state, attention

    def advance(self, token: Tensor, state: Tensor, regions: Tensor, keys: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Look, and move the state on; shapes as in `step`, with context (P, N, D) for log-probabilities."""
        size = self.size
        query, gate, hidden = self.from_state(state).split((size.attention, size.region, 3 * size.hidden), dim=-1)
        scores = self.score(torch.tanh(keys.unsqueeze(1) + query.unsqueeze(2))).squeeze(-1)  # (P, N, REGIONS)
        attention = scores.softmax(-1)
        context = torch.sigmoid(gate) * torch.matmul(attention, regions)  # (P, N, D)
        word = self.dropout(self.embedding(token))  # (P, N, E)
        state = self._gru(self.from_input(torch.cat((word, context), -1)), hidden, state)
        return state, context, attention

    def logits(self, state: Tensor, context: Tensor) -> Tensor:
        """Score every word: (..., H), (..., D) -> (..., V)."""
        output = torch.tanh(self.to_output(torch.cat((self.dropout(state), context), -1)))  # (..., E)
        return functional.linear(self.dropout(output), self.embedding.weight, self.word_bias)

    def _gru(self, inputs: Tensor, hidden: Tensor, state: Tensor) -> Tensor:
        """Cho et al. 2014, with the reset gate after the product as cuDNN and torch do."""
        input_reset, input_update, input_new = inputs.chunk(3, -1)
        hidden_reset, hidden_update, hidden_new = hidden.chunk(3, -1)
        reset = torch.sigmoid(input_reset + hidden_reset)
        update = torch.sigmoid(input_update + hidden_update)
        new = torch.tanh(input_new + reset * hidden_new)
        return new + update * (state - new)

    def teach(self, seen: Seen, inputs: Tensor, counted: Tensor, own: float = 0.0) -> tuple[Tensor, Tensor]:
        """Run over given sentences (teacher forcing).

        Args:
            seen: of P photos.
            inputs: (P, N, T) tokens from START on.
            counted: (P, N, T) bool, where a word follows.
            own: share of the words that the decoder says itself (scheduled sampling).

        Returns:
            logits (number of counted words, V) and how much each region was looked at (P, N, REGIONS).
        """
        state = seen.state.unsqueeze(1).expand(-1, inputs.shape[1], -1)
        states: list[Tensor] = []
        contexts: list[Tensor] = []
        looked = torch.zeros(())
        for step in range(inputs.shape[2]):
            token = inputs[:, :, step]
            if own and step:
                token = self._say_own(token, states[-1], contexts[-1], own)
            state, context, attention = self.advance(token, state, seen.regions, seen.keys)
            states.append(state)
            contexts.append(context)
            looked = looked + attention * counted[:, :, step, None]
        state, context = torch.stack(states, 2)[counted], torch.stack(contexts, 2)[counted]
        return self.logits(state, context), looked

    @torch.no_grad()
    def _say_own(self, token: Tensor, state: Tensor, context: Tensor, share: float) -> Tensor:
        """Replace a share of the tokens (P, N) by words drawn from the decoder's prediction (Bengio et al. 2015)."""
        drawn = torch.distributions.Categorical(logits=self.logits(state, context).float()).sample()
        replaced = (torch.rand(token.shape, device=token.device) < share) & (drawn >= len(SPECIAL))
        return torch.where(replaced, drawn, token)


class CaptionModel(nn.Module):
    """Encoder and decoder together, as training and a checkpoint hold them."""

    def __init__(self, size: Dimensions, words: int) -> None:
        super().__init__()
        self.size = size
        self.encoder = Encoder(size)
        self.decoder = Decoder(size, words)
