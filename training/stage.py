"""What every training stage shares: seeing photos, scoring on dev, optimiser and learning rate."""

from __future__ import annotations

import math

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.nn import functional

from edge_caption.vocabulary import PAD, Vocabulary
from training.batches import Batch
from training.decode import greedy
from training.model import CaptionModel, Seen
from training.recipe import Stage
from training.scores import Scorer

WARM_UP = 0.05
"""Share of the steps in which the learning rate rises."""

FLOOR = 0.02
"""The learning rate ends at this share of its highest."""


class CaptionStage(lightning.LightningModule):
    """Optimises the captioner; logs dev loss and dev CIDEr (greedy) after each epoch. A kind of stage adds its loss."""

    def __init__(self, model: CaptionModel, stage: Stage, vocabulary: Vocabulary, scorer: Scorer) -> None:
        super().__init__()
        self.model, self.stage, self.vocabulary, self.scorer = model, stage, vocabulary, scorer
        self._said: list[str] = []
        model.encoder.backbone.requires_grad_(stage.encoder_learning_rate > 0)

    def see(self, photos: Tensor) -> Seen:
        """Encode photos, or features that were computed before."""
        encoder = self.model.encoder
        features = encoder.features(photos) if photos.dtype == torch.uint8 else photos.float()
        return encoder.attend_to(features)

    def cross_entropy(self, seen: Seen, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the smoothed loss of the batch's sentences, and (1 - how much a region was looked at)^2."""
        counted = batch.targets != PAD
        logits, looked = self.model.decoder.teach(seen, batch.inputs, counted)
        smoothing = self.stage.label_smoothing
        loss = functional.cross_entropy(logits.float(), batch.targets[counted], label_smoothing=smoothing)
        written = counted.any(-1)  # (P, N)
        return loss, ((1 - looked[written]) ** 2).mean()

    def on_train_epoch_start(self) -> None:
        # Lightning leaves modes as they are, and a loaded checkpoint is in eval mode: without dropout.
        self.model.train()
        # Batch norms keep ImageNet's statistics: batches of a small data set would only add noise to them.
        self.model.encoder.backbone.eval()

    def validation_step(self, batch: Batch, _: int) -> None:
        seen = self.see(batch.photos)
        loss, _penalty = self.cross_entropy(seen, batch)
        self.log("dev_loss", loss, prog_bar=True, batch_size=len(batch.photos))
        self._said += [" ".join(self.vocabulary.decode(row)) for row in greedy(self.model.decoder, seen).tolist()]

    def on_validation_epoch_end(self) -> None:
        said, self._said = self._said, []
        self.log("dev_cider", self.scorer.cider(said), prog_bar=True)
        self.log("dev_length", sum(len(text.split()) for text in said) / len(said))
        self.log("dev_distinct", len(set(said)) / len(said))

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        backbone = list(self.model.encoder.backbone.parameters())
        own = {id(parameter) for parameter in backbone}
        rest = [parameter for parameter in self.model.parameters() if id(parameter) not in own]
        groups = [{"params": rest, "lr": self.stage.learning_rate}]
        if self.stage.encoder_learning_rate:
            groups.append({"params": backbone, "lr": self.stage.encoder_learning_rate})
        optimizer = torch.optim.AdamW(groups, weight_decay=self.stage.weight_decay, betas=(0.9, 0.98))
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: cosine(step / steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def cosine(done: float) -> float:
    """Share of the highest learning rate, `done` (0-1) into a stage."""
    if done < WARM_UP:
        return done / WARM_UP
    fallen = (done - WARM_UP) / (1 - WARM_UP)
    return FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * min(1.0, fallen)))
