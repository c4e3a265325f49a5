"""The cross-entropy stage: predict each next word of the sentences people wrote."""

from __future__ import annotations

import torch
from torch import Tensor

from training.data.batches import Batch
from training.stages.stage import CaptionStage


class CrossEntropy(CaptionStage):
    """Teacher forcing with label smoothing and Xu et al. 2015's penalty on regions never looked at.

    With scheduled sampling, ever more of the words that come before are the captioner's own (Bengio et al. 2015).
    """

    def training_step(self, batch: Batch, _: int) -> Tensor:
        done = self.trainer.global_step / self.trainer.estimated_stepping_batches
        own = self.stage.scheduled_sampling * done
        if self.stage.attack and torch.rand(()) < self.stage.attack_share:
            batch = self._attacked(batch)
        loss, penalty = self.cross_entropy(self.see(batch), batch, own)
        self.log_epoch(batch, train_loss=loss)
        return loss + self.stage.attention_penalty * penalty

    def _attacked(self, batch: Batch) -> Batch:
        """Move each pixel by 1 to `attack` to where the photo's sentences are less likely (Goodfellow et al. 2015)."""
        pictures = batch.files.float().requires_grad_()
        features = self.model.encoder.features(pictures)[batch.file]
        loss, _penalty = self.cross_entropy(self.model.encoder.attend_to(features), batch)
        (uphill,) = torch.autograd.grad(loss, pictures)
        most = torch.randint(1, self.stage.attack + 1, (len(pictures), 1, 1, 1), device=pictures.device)
        moved = pictures.detach() + most * uphill.sign()
        return batch._replace(files=moved.clamp(0, 255).to(torch.uint8))
