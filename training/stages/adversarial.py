"""The adversarial stage: sentences that a judge takes for a person's become likelier, and the judge learns meanwhile.

Dai et al. 2017 and Shetty et al. 2017. People say more than the safest sentence, so sentences become more varied, and
score less by CIDEr. No gradient passes between captioner and judge (words are drawn, the reward is a number), so one
optimiser steps both.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from edge_caption.model.vocabulary import Vocabulary
from training.data.batches import Batch
from training.model.caption_model import CaptionModel
from training.recipe import Stage
from training.scoring.reward import Reward
from training.scoring.scores import DevScorer
from training.stages.discriminator import Discriminator
from training.stages.self_critical import SelfCritical


class Adversarial(SelfCritical):
    """Judges by a discriminator, and by CIDEr-D and BLEU-4 with their weights."""

    def __init__(
        self, model: CaptionModel, stage: Stage, vocabulary: Vocabulary, scorer: DevScorer, reward: Reward
    ) -> None:
        super().__init__(model, stage, vocabulary, scorer, reward)
        self.discriminator = Discriminator(model.encoder.project.in_channels, model.decoder.embedding.weight)

    def judge(self, batch: Batch, features: Tensor, said: Tensor) -> tuple[Tensor, Tensor]:
        scores, _no_loss = super().judge(batch, features, said)
        likely = self.discriminator.likely(features, said)
        loss = self.discriminator.loss(features, batch.targets, said)
        self.log_epoch(batch, discriminator_loss=loss, taken_for_human=likely.mean())
        return scores + self.stage.discriminator_weight * likely, loss

    def groups(self) -> list[dict[str, Any]]:
        judge = {"params": list(self.discriminator.parameters()), "lr": self.stage.discriminator_learning_rate}
        return [*super().groups(), judge]
