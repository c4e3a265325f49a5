"""The cross-entropy stage: predict each next word of the sentences people wrote."""

from __future__ import annotations

from torch import Tensor

from training.batches import Batch
from training.stage import CaptionStage


class CrossEntropy(CaptionStage):
    """Teacher forcing with label smoothing and Xu et al. 2015's penalty on regions never looked at.

    With scheduled sampling, ever more of the words that come before are the captioner's own (Bengio et al. 2015).
    """

    def training_step(self, batch: Batch, _: int) -> Tensor:
        done = self.trainer.global_step / self.trainer.estimated_stepping_batches
        own = self.stage.scheduled_sampling * done
        loss, penalty = self.cross_entropy(self.see(batch), batch, own)
        self.log_epoch(batch, train_loss=loss)
        return loss + self.stage.attention_penalty * penalty
