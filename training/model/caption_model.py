"""The captioner: a backbone -> a grid of regions -> a recurrent cell with additive attention over them.

Bahdanau et al. 2015 (additive attention), Xu et al. 2015 (over image regions, gated by what was said). `Decoder.step`
is the graph that a device runs.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional

from edge_caption.model.vocabulary import SPECIAL
from training.model.backbones import BACKBONES, Colour, EncoderName, build
from training.model.cells import CELLS, CellName

Side = Annotated[int, msgspec.Meta(ge=32, multiple_of=32)]
"""Of a square picture, in pixels."""

Count = Annotated[int, msgspec.Meta(ge=1)]


class Dimensions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the captioner is made of; letters as in the shapes below, with R regions."""

    encoder: EncoderName = "mobilenet_v2"
    side: Side = 224
    """Width and height of what the encoder sees."""
    pooled: bool = False
    """Average the grid to one region, which leaves attention no choice: Vinyals et al. 2015."""
    cell: CellName = "gru"
    region: Count = 512  # D
    attention: Count = 256  # A
    hidden: Count = 512  # H
    embedding: Count = 256  # E

    def __post_init__(self) -> None:
        """Refuse what can't be built.

        Raises:
            ValueError: the backbone makes no region of so small a picture.
        """
        if BACKBONES[self.encoder].grid(self.side) < 1:
            raise ValueError(f"{self.encoder} sees nothing in {self.side} pixels; give a larger side")

    @property
    def grid(self) -> int:
        """Rows and columns of regions."""
        return 1 if self.pooled else BACKBONES[self.encoder].grid(self.side)

    @property
    def state(self) -> int:  # S
        """Numbers that go from one word to the next."""
        return self.hidden * CELLS[self.cell].states


class Encoded(NamedTuple):
    """All that is computed once a photo."""

    regions: Tensor  # (P, R, D)
    keys: Tensor  # (P, R, A)
    state: Tensor  # (P, S)


class Encoder(nn.Module):
    """Photo -> what the decoder needs of it."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, size: Dimensions) -> None:
        super().__init__()
        known = BACKBONES[size.encoder]
        self.backbone = build(size.encoder)
        self.side, self.pooled = size.side, size.pooled
        self.dropout = nn.Dropout2d(0.0)  # a training stage sets it
        self.project = nn.Conv2d(known.channels, size.region, 1)
        self.key = nn.Conv2d(size.region, size.attention, 1)
        self.start = nn.Linear(size.region, size.state)
        self.register_buffer("mean", in_bytes(known.mean), persistent=False)
        self.register_buffer("deviation", in_bytes(known.deviation), persistent=False)

    def forward(self, image: Tensor) -> Encoded:
        """See a photo: (B, side, side, 3) uint8, RGB."""
        return self.attend_to(self.features(image))

    def features(self, image: Tensor) -> Tensor:
        """Run the backbone: (B, side, side, 3) uint8 -> (B, channels, grid, grid)."""
        planes = image.permute(0, 3, 1, 2).float()  # (B, 3, side, side)
        return self.backbone((planes - self.mean) / self.deviation)

    def attend_to(self, features: Tensor) -> Encoded:
        """Turn the backbone's features (B, channels, grid, grid) into regions, keys and the first state."""
        grid = functional.relu(self.project(self.dropout(features)))  # (B, D, rows, columns)
        if self.pooled:
            grid = functional.avg_pool2d(grid, grid.shape[2:])
        regions = grid.flatten(2).transpose(1, 2)  # (B, R, D)
        keys = self.key(grid).flatten(2).transpose(1, 2)  # (B, R, A)
        state = torch.tanh(self.start(regions.mean(1)))  # (B, S)
        return Encoded(regions, keys, state)


def in_bytes(colour: Colour) -> Tensor:
    """Scale a colour to 0-255, in the shape of planes: (1, 3, 1, 1)."""
    return torch.tensor(colour).view(1, 3, 1, 1) * 255


class Decoder(nn.Module):
    """One word -> the next, looking at the regions.

    P photos, N sentences of each (references in training, samples, or beams): they share their photo's regions.
    """

    def __init__(self, size: Dimensions, words: int) -> None:
        super().__init__()
        self.size = size
        self.cell = CELLS[size.cell]
        self.parts = [count * size.hidden for count in self.cell.parts]
        self.embedding = nn.Embedding(words, size.embedding)  # also the output's weights ("tied")
        self.from_state = nn.Linear(size.hidden, size.attention + size.region + sum(self.parts))
        self.score = nn.Linear(size.attention, 1, bias=False)
        self.from_input = nn.Linear(size.embedding + size.region, sum(self.parts))
        self.to_output = nn.Linear(size.hidden + size.region, size.embedding)
        self.word_bias = nn.Parameter(torch.zeros(words))
        self.dropout = nn.Dropout(0.0)
        nn.init.normal_(self.embedding.weight, std=size.embedding**-0.5)

    def step(self, token: Tensor, state: Tensor, regions: Tensor, keys: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Say one word: what a device runs.

        Args:
            token: (P, N) the word before.
            state: (P, N, S).
            regions: (P, R, D).
            keys: (P, R, A).

        Returns:
            log-probabilities (P, N, V), the next state (P, N, S), attention (P, N, R).
        """
        state, context, attention = self.advance(token, state, regions, keys)
        return self.logits(state, context).log_softmax(-1), state, attention

    def advance(self, token: Tensor, state: Tensor, regions: Tensor, keys: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Look, and move the state on; shapes as in `step`, with context (P, N, D) for log-probabilities."""
        query, gate, hidden = self.read(state)
        attention = self.attend(query.unsqueeze(2), keys.unsqueeze(1))  # (P, N, R)
        context = torch.sigmoid(gate) * torch.matmul(attention, regions)  # (P, N, D)
        return self.move(self.dropout(self.embedding(token)), context, hidden, state), context, attention

    def read(self, state: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Read the state (..., S): the attention's query (..., A), the context's gate (..., D), the cell's parts."""
        size = self.size
        products = self.from_state(state[..., : size.hidden])
        query, gate, *hidden = products.split((size.attention, size.region, *self.parts), dim=-1)
        return query, gate, hidden

    def attend(self, query: Tensor, keys: Tensor) -> Tensor:
        """Weigh the regions: queries (..., 1, A) and keys (..., R, A), which broadcast -> (..., R)."""
        return self.score(torch.tanh(keys + query)).squeeze(-1).softmax(-1)

    def move(self, word: Tensor, context: Tensor, hidden: list[Tensor], state: Tensor) -> Tensor:
        """Move the state on with an embedded word (..., E) and the context (..., D)."""
        inputs = self.from_input(torch.cat((word, context), -1)).split(self.parts, -1)
        return self.cell.move(inputs, hidden, state)

    def logits(self, state: Tensor, context: Tensor) -> Tensor:
        """Score every word: (..., S), (..., D) -> (..., V)."""
        said = self.dropout(state[..., : self.size.hidden])
        output = torch.tanh(self.to_output(torch.cat((said, context), -1)))  # (..., E)
        return functional.linear(self.dropout(output), self.embedding.weight, self.word_bias)

    def teach(self, seen: Encoded, inputs: Tensor, counted: Tensor, own: float = 0.0) -> tuple[Tensor, Tensor]:
        """Run over given sentences (teacher forcing).

        Args:
            seen: of P photos.
            inputs: (P, N, T) tokens from START on.
            counted: (P, N, T) bool, where a word follows.
            own: share of the words that the decoder says itself (scheduled sampling).

        Returns:
            logits (number of counted words, V) and how much each region was looked at (P, N, R).
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

    def resize(self, side: int) -> None:
        """See pictures of another size from now on; the weights go for any."""
        self.size = self.decoder.size = msgspec.structs.replace(self.size, side=side)
        self.encoder.side = side
