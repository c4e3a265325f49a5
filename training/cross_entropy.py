"""The cross-entropy stage: predict each next word of the sentences people wrote."""

from __future__ import annotations

from torch import Tensor

from training.batches import Batch
from training.stage import CaptionStage


class CrossEntropy(CaptionStage):
    """Teacher forcing with label smoothing and Xu et al. 2015's penalty on regions never looked at."""

    def training_step(self, batch: Batch, _: int) -> Tensor:
        loss, penalty = self.cross_entropy(self.see(batch.photos), batch)
        self.log("train_loss", loss, prog_bar=True, on_step=False, on_epoch=True, batch_size=len(batch.photos))
        return loss + self.stage.attention_penalty * penalty
