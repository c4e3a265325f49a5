"""Chance that a seed decides: the same run again, or a run that was cut and goes on, draws the same."""

from __future__ import annotations

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback


def mix(*numbers: int) -> int:
    """Make one seed of several numbers; other numbers give a stream that has nothing to do with it."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


class SeedEpochs(Callback):
    """Seeds dropout and sampling at each epoch, in each process otherwise."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        torch.manual_seed(mix(self.seed, trainer.current_epoch, trainer.global_rank))
