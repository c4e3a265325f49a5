"""Stages in which the captioner says sentences, and those that are judged better become likelier.

REINFORCE (Williams 1992) with several samples of a photo that are each other's baseline (leave-one-out, Luo 2020). A
reward alone drifts to whatever pleases it, so the cross-entropy stays in with a weight.
"""

from __future__ import annotations

import torch
from torch import Tensor

from edge_caption.model.vocabulary import PAD
from training.data.batches import Batch
from training.model.caption_model import Encoded
from training.model.decoding import sample
from training.stages.stage import CaptionStage


class PolicyGradient(CaptionStage):
    """Policy gradient plus cross-entropy; a kind of stage judges what was said."""

    def judge(self, batch: Batch, features: Tensor, said: Tensor) -> tuple[Tensor, Tensor]:
        """Return what each of the sentences said (P, N, T) is worth, (P, N), and the loss of a judge that learns."""
        raise NotImplementedError

    def training_step(self, batch: Batch, _: int) -> Tensor:
        features = self.features(batch)
        seen = self.model.encoder.attend_to(features)
        said = self._sample(seen, batch.starts)  # (P, N, T)
        rewards, judge_loss = self.judge(batch, features.detach(), said)
        others = (rewards.sum(1, keepdim=True) - rewards) / (rewards.shape[1] - 1)
        policy = -self._log_probs(seen, batch.starts, said, balanced(rewards - others, batch.starts))
        loss, _penalty = self.cross_entropy(seen, batch)
        self.log_epoch(batch, train_loss=loss, reward=rewards.mean())
        return policy + self.stage.cross_entropy_weight * loss + judge_loss

    def _sample(self, seen: Encoded, starts: Tensor) -> Tensor:
        """Draw sentences without dropout, as they will be said."""
        self.model.decoder.eval()
        said = sample(self.model.decoder, seen, starts, self.stage.samples)
        self.model.decoder.train()
        return said

    def _log_probs(self, seen: Encoded, starts: Tensor, said: Tensor, advantage: Tensor) -> Tensor:
        """Return the mean over words of log-probability times advantage."""
        started = torch.cat((starts[:, None, None].expand_as(said[..., :1]), said[..., :-1]), -1)
        counted = said != PAD
        logits, _looked = self.model.decoder.teach(seen, started, counted)
        chosen = logits.float().log_softmax(-1).gather(-1, said[counted].unsqueeze(-1)).squeeze(-1)
        return (chosen * advantage.unsqueeze(-1).expand_as(said)[counted]).mean()


def balanced(advantages: Tensor, starts: Tensor) -> Tensor:
    """Give each language's advantages the same spread: a language with twice the CIDEr would else drown the others.

    Args:
        advantages: (P, N).
        starts: (P,), each photo's language.
    """
    spread = advantages.square().mean().sqrt()
    scaled = advantages.clone()
    for start in starts.unique():
        own = starts == start
        scaled[own] *= spread / advantages[own].square().mean().sqrt().clamp(min=1e-6)
    return scaled
