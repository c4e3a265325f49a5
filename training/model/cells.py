"""Recurrent cells, written as matrix products and elementwise operations: ONNX Runtime has no quantized GRU or LSTM."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

CellName = Literal["gru", "lstm"]


@dataclass(frozen=True)
class Cell:
    """How a state moves on. Sizes count in multiples of H, the hidden size."""

    states: int
    """Of the state; its first H numbers are what the rest of the decoder reads."""
    parts: tuple[int, ...]
    """Of the parts that the products with input and state are cut into."""
    move: Callable[[Sequence[Tensor], Sequence[Tensor], Tensor], Tensor]
    """Parts of the input's product, parts of the state's product, state (..., S) -> the next state."""


def gru(inputs: Sequence[Tensor], hidden: Sequence[Tensor], state: Tensor) -> Tensor:
    """Cho et al. 2014, with the reset gate after the product as cuDNN and torch do."""
    reset, update = torch.sigmoid(inputs[0] + hidden[0]).chunk(2, -1)
    new = torch.tanh(inputs[1] + reset * hidden[1])
    return new + update * (state - new)


def lstm(inputs: Sequence[Tensor], hidden: Sequence[Tensor], state: Tensor) -> Tensor:
    """Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000; the gates are output, forget, input.

    The state is what is read, then the memory.
    """
    read, forget, write = torch.sigmoid(inputs[0] + hidden[0]).chunk(3, -1)
    memory = state[..., state.shape[-1] // 2 :]
    memory = forget * memory + write * torch.tanh(inputs[1] + hidden[1])
    return torch.cat((read * torch.tanh(memory), memory), -1)


CELLS: dict[CellName, Cell] = {"gru": Cell(1, (2, 1), gru), "lstm": Cell(2, (3, 1), lstm)}
