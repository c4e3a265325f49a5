"""`python -m training` that also writes down each process's own weights at the end of each stage."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import torch

import training.run
from training.__main__ import main
from training.log import TrainingLog
from training.stages.stage import CaptionStage

if TYPE_CHECKING:  # at runtime training comes first: it makes torchvision importable, which Lightning wants
    import lightning


class KeepWeights(TrainingLog):
    def on_fit_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        assert isinstance(pl_module, CaptionStage)
        file = self.file.parent / f"{pl_module.stage.name}-{trainer.global_rank}.weights"
        torch.save(pl_module.state_dict(), file)


setattr(training.run, "TrainingLog", KeepWeights)  # noqa: B010 (run doesn't export the name)

if __name__ == "__main__":
    sys.exit(main())
