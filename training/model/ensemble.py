"""Several captioners that speak as one: at each word their probabilities are averaged.

They may differ in all but the language; words are those of the first one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from edge_caption.images.photos import read_photo
from edge_caption.model.preprocess import to_input
from edge_caption.model.vocabulary import END, PAD
from training.errors import DataError
from training.model.caption_model import Encoded
from training.model.checkpoint import Checkpoint
from training.model.decoding import MAX_STEPS, NEVER_SAID


class Ensemble:
    """Finds what the captioners together find likeliest."""

    def __init__(self, members: Sequence[Checkpoint], language: str) -> None:
        """Take one captioner or more.

        Raises:
            DataError: one doesn't speak the language.
        """
        for member in members:
            if language not in member.languages:
                raise DataError(f"a checkpoint speaks {' and '.join(member.languages)}, not {language}; leave it out")
        self.vocabulary = members[0].vocabulary
        self._start = self.vocabulary.start(language)
        self._members = [member.model.eval() for member in members]
        self._own = [_tokens_of(member, self._start, self.vocabulary.words, language) for member in members]

    @torch.inference_mode()
    def say(self, photos: Sequence[Path], beams: int) -> list[list[list[int]]]:
        """Return each photo's likeliest sentences, up to `beams`, the likeliest for its length first, with END.

        Raises:
            PhotoError: a photo can't be read.
        """
        pixels = [read_photo(photo) for photo in photos]
        sides = {model.encoder.side for model in self._members}
        images = {side: torch.from_numpy(np.concatenate([to_input(photo, side) for photo in pixels])) for side in sides}
        with torch.autocast("cpu", torch.bfloat16):
            seen = [model.encoder(images[model.encoder.side]) for model in self._members]
            tokens, scores = self._search(seen, len(photos), beams)
        order = (scores / (tokens != PAD).sum(-1)).argsort(descending=True)
        return [
            [
                [token for token in tokens[photo, beam].tolist() if token != PAD]
                for beam in best
                if scores[photo, beam] > -torch.inf
            ]
            for photo, best in enumerate(order.tolist())
        ]

    def _search(self, seen: Sequence[Encoded], photos: int, beams: int) -> tuple[Tensor, Tensor]:
        """Return sentences (P, beams, T), PAD after END, and their log-probabilities (P, beams)."""
        tokens = torch.full((photos, beams, 1), self._start)
        scores = torch.full((photos, beams), -torch.inf)
        scores[:, 0] = 0
        states = [one.state.unsqueeze(1).expand(-1, beams, -1) for one in seen]
        ended = torch.zeros(photos, beams, dtype=torch.bool)
        over = torch.full((len(self.vocabulary),), -torch.inf)
        over[PAD] = 0
        for _ in range(MAX_STEPS):
            log_probs, states = self._next(seen, tokens[..., -1], states)
            log_probs[ended] = over
            scores, chosen = (scores.unsqueeze(-1) + log_probs).flatten(1).topk(beams)
            source, token = chosen // len(over), chosen % len(over)
            tokens = torch.cat((_pick(tokens, source), token.unsqueeze(-1)), -1)
            states = [_pick(state, source) for state in states]
            ended = ended.gather(1, source) | (token == END)
            if ended.all():
                break
        return tokens[..., 1:], scores

    def _next(self, seen: Sequence[Encoded], token: Tensor, states: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Return the mean probability of each next word, as logarithm (P, beams, V), and the next states."""
        steps = [
            model.decoder.step(own[token], state, one.regions, one.keys)
            for model, own, state, one in zip(self._members, self._own, states, seen, strict=True)
        ]
        said = [log_probs.float().exp()[..., own] for (log_probs, *_), own in zip(steps, self._own, strict=True)]
        mean = torch.stack(said).mean(0).log()
        mean[..., NEVER_SAID] = -torch.inf
        return mean, [state for _, state, _ in steps]


def _tokens_of(member: Checkpoint, start: int, words: Sequence[str], language: str) -> Tensor:
    """Return the member's own token of each of these words."""
    own = torch.tensor(member.vocabulary.encode(words))
    own[start] = member.vocabulary.start(language)
    return own


def _pick(of_beams: Tensor, source: Tensor) -> Tensor:
    """Follow each beam (P, beams) to what it came from: (P, beams, N) -> the same shape."""
    return of_beams.gather(1, source.unsqueeze(-1).expand(-1, -1, of_beams.shape[-1]))
