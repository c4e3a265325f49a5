"""Greedy decoding of many photos at once, for scoring while training."""

from __future__ import annotations

import torch
from torch import Tensor

from edge_caption.vocabulary import END, START
from training.model import Decoder, Seen

MAX_STEPS = 20


@torch.no_grad()
def greedy(decoder: Decoder, seen: Seen) -> Tensor:
    """Say the likeliest word at each step: (P, up to MAX_STEPS) tokens; what follows END means nothing."""
    photos = seen.state.shape[0]
    token = torch.full((photos, 1), START, device=seen.state.device)
    state, tokens = seen.state.unsqueeze(1), []
    ended = torch.zeros_like(token, dtype=torch.bool)
    for _ in range(MAX_STEPS):
        scores, state, _ = decoder.step(token, state, seen.regions, seen.keys)
        token = scores.argmax(-1)
        tokens.append(token)
        ended |= token == END
        if ended.all():
            break
    return torch.cat(tokens, dim=1)
