"""Chance that a seed decides: the same run again, or a run that was cut and goes on, draws the same."""

from __future__ import annotations

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback


def mix(*numbers: int) -> int:
    """Make one seed of several numbers; other numbers give a stream that has nothing to do with it."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


class SeedSteps(Callback):
    """Seeds dropout and sampling at each step, in each process otherwise.

    Not at the start of an epoch: between that and its first step a resumed run draws numbers that the others don't.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, batch: object, batch_idx: int
    ) -> None:
        torch.manual_seed(mix(self.seed, trainer.current_epoch, trainer.global_rank, batch_idx))
