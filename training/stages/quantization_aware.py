"""The quantization-aware stage: the encoder learns to see through INT8's rounding what it saw without.

Distillation from itself (Polino et al. 2018): no sentence is needed, and the decoder stays as it is.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor
from torch.nn import functional

from edge_caption.model.vocabulary import Vocabulary
from training.data.batches import Batch
from training.model.caption_model import CaptionModel
from training.model.int8 import RoundedActivation, round_like_int8, stop_rounding
from training.recipe import Stage
from training.scoring.scores import DevScorer
from training.stages.stage import CaptionStage


class QuantizationAware(CaptionStage):
    """Brings the rounding encoder's outputs near those of the encoder it began as. Dev is seen through INT8 too."""

    def __init__(self, model: CaptionModel, stage: Stage, vocabulary: Vocabulary, scorer: DevScorer) -> None:
        super().__init__(model, stage, vocabulary, scorer)
        self.teacher = copy.deepcopy(model.encoder).eval().requires_grad_(False)
        model.decoder.requires_grad_(False)
        round_like_int8(model.encoder)

    def on_train_epoch_start(self) -> None:
        self.model.eval()  # without dropout, which would drown the rounding
        for module in self.model.modules():
            if isinstance(module, RoundedActivation):
                module.train()

    def training_step(self, batch: Batch, _: int) -> Tensor:
        with torch.no_grad():
            wanted = self.teacher(batch.files)
        pairs = zip(self.model.encoder(batch.files), wanted, strict=True)
        loss = torch.stack(
            [functional.mse_loss(seen, target) / target.square().mean() for seen, target in pairs]
        ).mean()
        self.log_epoch(batch, train_loss=loss)
        return loss

    def result(self) -> CaptionModel:
        stop_rounding(self.model.encoder)
        return super().result()
