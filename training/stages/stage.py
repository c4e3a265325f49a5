"""What every training stage shares: seeing photos, scoring on dev, optimiser and learning rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.nn import functional
from torchvision.ops import StochasticDepth

from edge_caption.errors import ConfigError
from edge_caption.model.vocabulary import PAD, Vocabulary
from training.data.batches import Batch
from training.model.caption_model import CaptionModel, Encoded
from training.model.decoding import MAX_STEPS, greedy
from training.recipe import Stage
from training.scoring.scores import DevScorer

WARM_UP = 0.05
"""Share of the steps in which the learning rate rises."""

FLOOR = 0.02
"""The learning rate ends at this share of its highest."""


class CaptionStage(lightning.LightningModule):
    """Optimises the captioner; logs dev loss and dev CIDEr (greedy) after each epoch. A kind of stage adds its loss."""

    def __init__(self, model: CaptionModel, stage: Stage, vocabulary: Vocabulary, scorer: DevScorer) -> None:
        """Set what learns, and what is left out of it at random.

        Raises:
            ConfigError: the backbone has no blocks that could be left out, and the stage asks for it.
        """
        super().__init__()
        self.model, self.stage, self.vocabulary, self.scorer = model, stage, vocabulary, scorer
        self._said: list[tuple[Tensor, Tensor]] = []
        layers = list(model.encoder.backbone.parameters())
        for place, layer in enumerate(layers):
            learns = place >= len(layers) * stage.encoder_frozen and not is_depthwise(layer)
            layer.requires_grad_(stage.encoder_learning_rate > 0 and learns)
        self._drops = [part for part in model.encoder.backbone.modules() if isinstance(part, StochasticDepth)]
        if stage.stochastic_depth and not self._drops:
            raise ConfigError(f"{model.size.encoder} has no blocks to leave out; set stochastic_depth to 0")
        for place, drop in enumerate(self._drops):
            drop.p = stage.stochastic_depth * place / (len(self._drops) - 1)
        model.encoder.dropout.p = stage.dropout / 2
        model.decoder.dropout.p = stage.dropout

    def features(self, batch: Batch) -> Tensor:
        """Return the backbone's features of each photo, computed now or before: (P, C, grid, grid)."""
        files = batch.files
        features = self.model.encoder.features(files) if files.dtype == torch.uint8 else files.float()
        return features[batch.file] if len(batch.file) > len(files) else features

    def see(self, batch: Batch) -> Encoded:
        """Encode the photos."""
        return self.model.encoder.attend_to(self.features(batch))

    def cross_entropy(self, seen: Encoded, batch: Batch, own: float = 0.0) -> tuple[Tensor, Tensor]:
        """Return the smoothed loss of the batch's sentences, and (1 - how much a region was looked at)^2.

        Each sentence's loss is multiplied by its trust.

        Args:
            own: share of the words before that are the captioner's own.
        """
        counted = batch.targets != PAD
        logits, looked = self.model.decoder.teach(seen, batch.inputs, counted, own)
        smoothing = self.stage.label_smoothing
        losses = functional.cross_entropy(
            logits.float(), batch.targets[counted], label_smoothing=smoothing, reduction="none"
        )
        trust = batch.trust.unsqueeze(-1).expand_as(counted)[counted]
        written = counted.any(-1)  # (P, N)
        return (losses * trust).mean(), ((1 - looked[written]) ** 2).mean()

    def log_epoch(self, batch: Batch, **figures: Tensor) -> None:
        """Log the means over an epoch's batches and all processes."""
        count = len(batch.files)
        self.log_dict(figures, prog_bar=True, on_step=False, on_epoch=True, batch_size=count, sync_dist=True)

    def on_train_epoch_start(self) -> None:
        # Lightning leaves modes as they are, and a loaded checkpoint is in eval mode: without dropout.
        self.model.train()
        # Batch norms keep ImageNet's statistics: batches of a small data set would only add noise to them.
        self.model.encoder.backbone.eval()
        for drop in self._drops:
            drop.train()

    def validation_step(self, batch: Batch, _: int) -> None:
        seen = self.see(batch)
        loss, _penalty = self.cross_entropy(seen, batch)
        self.log_epoch(batch, dev_loss=loss)
        tokens = greedy(self.model.decoder, seen, batch.starts)
        self._said.append((batch.indices, functional.pad(tokens, (0, MAX_STEPS - tokens.shape[1]), value=PAD)))

    def on_validation_epoch_end(self) -> None:
        said = self._gather()
        # One process scores for all: they must agree on which epoch is the best.
        figures = self.trainer.strategy.broadcast(self._score(said) if self.trainer.is_global_zero else {})
        self.log_dict(figures, prog_bar=True, sync_dist=True)

    def _gather(self) -> list[list[str]]:
        """Return what all processes said, in the data set's order."""
        indices, tokens = (torch.cat(parts) for parts in zip(*self._said, strict=True))
        self._said = []
        gather = self.trainer.strategy.all_gather  # from one process as it is, from several in a new dimension
        rows = in_order(gather(indices).flatten(), gather(tokens).flatten(0, -2))
        return [self.vocabulary.decode(row) for row in rows]

    def _score(self, said: Sequence[Sequence[str]]) -> dict[str, float]:
        ciders = self.scorer.cider(said)
        return {
            "dev_cider": sum(ciders.values()) / len(ciders),
            **{f"dev_cider_{part}": cider for part, cider in ciders.items()},
            "dev_length": sum(map(len, said)) / len(said),
            "dev_distinct": len(set(map(tuple, said))) / len(said),
            "dev_words": float(len({word for words in said for word in words})),
        }

    def groups(self) -> list[dict[str, Any]]:
        """Return the optimiser's groups of parameters with their highest learning rates."""
        backbone = [one for one in self.model.encoder.backbone.parameters() if one.requires_grad]
        own = {id(parameter) for parameter in backbone}
        rest = [one for one in self.model.parameters() if id(one) not in own and one.requires_grad]
        groups: list[dict[str, Any]] = [{"params": rest, "lr": self.stage.learning_rate}]
        if backbone:
            groups.append({"params": backbone, "lr": self.stage.encoder_learning_rate})
        return groups

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        optimizer = torch.optim.AdamW(self.groups(), weight_decay=self.stage.weight_decay, betas=(0.9, 0.98))
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: cosine(step / steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def is_depthwise(weight: Tensor) -> bool:
    """Tell whether a weight is a depthwise convolution's.

    They stay as they are: 3% of a MobileNet's weights whose gradient takes as long as all else on a CPU.
    """
    return weight.dim() == 4 and weight.shape[1] == 1


def cosine(done: float) -> float:
    """Share of the highest learning rate, `done` (0-1) into a stage."""
    if done < WARM_UP:
        return done / WARM_UP
    fallen = (done - WARM_UP) / (1 - WARM_UP)
    return FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * min(1.0, fallen)))


def in_order(indices: Tensor, tokens: Tensor) -> list[list[int]]:
    """Sort rows of tokens by their photo's index; a photo that filled up a second process's share counts once."""
    rows = dict(zip(indices.tolist(), tokens.tolist(), strict=True))
    return [rows[index] for index in sorted(rows)]
