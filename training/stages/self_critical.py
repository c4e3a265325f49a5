"""The self-critical stage: the score that the captioner is measured by is what it is rewarded for (Rennie et al. 2017).

On 6,000 photos the reward alone drifts to short safe sentences; see `cross_entropy_weight`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from edge_caption.model.vocabulary import END, PAD, Vocabulary
from training.data.batches import Batch
from training.model.caption_model import CaptionModel
from training.recipe import Stage
from training.scoring.reward import Reward
from training.scoring.scores import DevScorer
from training.stages.policy_gradient import PolicyGradient


class SelfCritical(PolicyGradient):
    """Judges by CIDEr-D and BLEU-4."""

    def __init__(
        self, model: CaptionModel, stage: Stage, vocabulary: Vocabulary, scorer: DevScorer, reward: Reward
    ) -> None:
        super().__init__(model, stage, vocabulary, scorer)
        self.reward = reward

    def judge(self, batch: Batch, features: Tensor, said: Tensor) -> tuple[Tensor, Tensor]:
        pairs = zip(batch.indices.tolist(), said.tolist(), strict=True)
        scores = [self.reward(photo, [until_end(row) for row in rows]) for photo, rows in pairs]
        return torch.tensor(scores, device=said.device), torch.zeros((), device=said.device)


def until_end(tokens: list[int]) -> list[int]:
    """Return the tokens up to END, which stays; all of them where there is none."""
    return tokens[: tokens.index(END) + 1] if END in tokens else [token for token in tokens if token != PAD]
