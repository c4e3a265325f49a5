"""The self-critical stage: say sentences, and make the better ones likelier.

Rennie et al. 2017, with several samples of a photo that are each other's baseline (leave-one-out, Luo 2020). On 6,000
photos the reward alone drifts to short safe sentences, so the cross-entropy stays in with a weight.
"""

from __future__ import annotations

import torch
from torch import Tensor

from edge_caption.vocabulary import END, PAD, START, Vocabulary
from training.batches import Batch
from training.decode import sample
from training.model import CaptionModel, Seen
from training.recipe import Stage
from training.reward import Reward
from training.scores import Scorer
from training.stage import CaptionStage


class SelfCritical(CaptionStage):
    """Policy gradient on CIDEr-D and BLEU-4, plus cross-entropy."""

    def __init__(
        self, model: CaptionModel, stage: Stage, vocabulary: Vocabulary, scorer: Scorer, reward: Reward
    ) -> None:
        super().__init__(model, stage, vocabulary, scorer)
        self.reward = reward

    def training_step(self, batch: Batch, _: int) -> Tensor:
        seen = self.see(batch.photos)
        said = self._sample(seen)  # (P, N, T)
        rewards = self._reward(batch.indices, said)  # (P, N)
        others = (rewards.sum(1, keepdim=True) - rewards) / (rewards.shape[1] - 1)
        policy = -self._log_probs(seen, said, rewards - others)
        loss, _penalty = self.cross_entropy(seen, batch)
        for name, value in (("reward", rewards.mean()), ("train_loss", loss)):
            self.log(name, value, prog_bar=True, on_step=False, on_epoch=True, batch_size=len(batch.photos))
        return policy + self.stage.cross_entropy_weight * loss

    def _sample(self, seen: Seen) -> Tensor:
        """Draw sentences without dropout, as they will be said."""
        self.model.decoder.eval()
        said = sample(self.model.decoder, seen, self.stage.samples)
        self.model.decoder.train()
        return said

    def _reward(self, photos: Tensor, said: Tensor) -> Tensor:
        pairs = zip(photos.tolist(), said.tolist(), strict=True)
        scores = [self.reward(photo, [until_end(row) for row in rows]) for photo, rows in pairs]
        return torch.tensor(scores, device=said.device)

    def _log_probs(self, seen: Seen, said: Tensor, advantage: Tensor) -> Tensor:
        """Return the mean over words of log-probability times advantage."""
        started = torch.cat((torch.full_like(said[..., :1], START), said[..., :-1]), -1)
        counted = said != PAD
        logits, _looked = self.model.decoder.teach(seen, started, counted)
        chosen = logits.float().log_softmax(-1).gather(-1, said[counted].unsqueeze(-1)).squeeze(-1)
        return (chosen * advantage.unsqueeze(-1).expand_as(said)[counted]).mean()


def until_end(tokens: list[int]) -> list[int]:
    """Return the tokens up to END, which stays; all of them where there is none."""
    return tokens[: tokens.index(END) + 1] if END in tokens else [token for token in tokens if token != PAD]
