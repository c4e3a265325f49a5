"""Greedy decoding and sampling of many photos at once, for scoring and rewarding while training."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from edge_caption.model.vocabulary import END, PAD, START, UNKNOWN
from training.model.caption_model import Decoder, Encoded

MAX_STEPS = 20

NEVER_SAID = [PAD, START, UNKNOWN]


def greedy(decoder: Decoder, seen: Encoded, starts: Tensor) -> Tensor:
    """Say the likeliest word at each step, after each photo's start (P,): (P, T) tokens, PAD after END."""
    return _decode(decoder, seen, starts, 1, lambda scores: scores.argmax(-1)).squeeze(1)


def sample(decoder: Decoder, seen: Encoded, starts: Tensor, count: int) -> Tensor:
    """Draw words by their probability, after each photo's start (P,): (P, count, T) tokens, PAD after END."""
    return _decode(decoder, seen, starts, count, _draw)


@torch.no_grad()
def _decode(decoder: Decoder, seen: Encoded, starts: Tensor, count: int, choose: Callable[[Tensor], Tensor]) -> Tensor:
    token = starts.unsqueeze(1).expand(-1, count)
    state = seen.state.unsqueeze(1).expand(-1, count, -1)
    tokens, ended = [], torch.zeros_like(token, dtype=torch.bool)
    for _ in range(MAX_STEPS):
        scores, state, _ = decoder.step(token, state, seen.regions, seen.keys)
        scores[..., NEVER_SAID] = -torch.inf
        token = choose(scores.float()).masked_fill(ended, PAD)
        tokens.append(token)
        ended = ended | (token == END)
        if ended.all():
            break
    return torch.stack(tokens, dim=-1)


def _draw(scores: Tensor) -> Tensor:
    """Draw words by their log-probability: (P, N, V) -> (P, N); with one random number a word instead of V."""
    heaped = scores.softmax(-1).cumsum(-1)
    aim = torch.rand_like(heaped[..., :1]) * heaped[..., -1:]
    return torch.searchsorted(heaped, aim, right=True).squeeze(-1).clamp(max=scores.shape[-1] - 1)
