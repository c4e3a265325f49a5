"""The training log: a CSV of every epoch's figures, gone on with by each run that resumes, and its picture."""

from __future__ import annotations

import csv
from pathlib import Path

import lightning
import matplotlib
from lightning.pytorch.callbacks import Callback
from matplotlib.axes import Axes

from edge_caption.files import writing
from training.stages.stage import CaptionStage

matplotlib.use("Agg")
from matplotlib import pyplot

FIELDS = (
    *("stage", "epoch", "train_loss", "dev_loss", "dev_cider", "dev_length", "dev_distinct", "reward"),
    *("dev_words", "discriminator_loss", "taken_for_human"),
)

PART = "dev_cider_"
"""What CIDEr of a part of dev is called, before the part's name."""

Row = dict[str, str]


class TrainingLog(Callback):
    """Writes a row after each epoch, and draws the whole again."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "log.csv"

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        assert isinstance(pl_module, CaptionStage)
        figures = {name: f"{float(value):.5f}" for name, value in trainer.callback_metrics.items()}
        self.write({"stage": pl_module.stage.name, "epoch": str(trainer.current_epoch + 1), **figures})

    def write(self, row: Row) -> None:
        """Add an epoch's row, or write it anew, and draw the whole again."""
        rows = [*self._before(row), row]
        parts = {name: None for row in rows for name in row if name.startswith(PART)}
        with writing(self.file) as fresh, fresh.open("w", newline="") as target:
            writer = csv.DictWriter(target, [*FIELDS, *parts], extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
        plot(self.file)

    def dev_cider(self, stage: str, epoch: int) -> float | None:
        """Return what an epoch's row says of dev, if it is there."""
        rows = _read(self.file) if self.file.exists() else []
        found = [row["dev_cider"] for row in rows if (row["stage"], row["epoch"]) == (stage, str(epoch))]
        return float(found[0]) if found else None

    def _before(self, row: Row) -> list[Row]:
        """Return the rows so far; a run that was cut after this epoch's row was written does the epoch again."""
        if not self.file.exists():
            return []
        return [one for one in _read(self.file) if (one["stage"], one["epoch"]) != (row["stage"], row["epoch"])]


def plot(log: Path) -> Path:
    """Draw loss and dev CIDEr over the epochs of all stages; returns the picture beside the log."""
    rows = _read(log)
    figure, (loss, cider) = pyplot.subplots(1, 2, figsize=(11, 4))
    _lines(loss, rows, {"train_loss": "-", "dev_loss": "--"})
    _lines(cider, rows, {"dev_cider": "o-"})
    for axes, title in ((loss, "cross-entropy"), (cider, "dev CIDEr, greedy")):
        axes.set(title=title, xlabel="epoch")
        axes.grid(alpha=0.3)
        axes.legend()
    figure.tight_layout()
    figure.savefig(log.with_suffix(".png"), dpi=110)
    pyplot.close(figure)
    return log.with_suffix(".png")


def _read(log: Path) -> list[Row]:
    with log.open(newline="") as source:
        return list(csv.DictReader(source))


def _lines(axes: Axes, rows: list[Row], styles: dict[str, str]) -> None:
    """Draw each stage's figures, one stage after another along the axis."""
    for stage in dict.fromkeys(row["stage"] for row in rows):
        for name, style in styles.items():
            points = [(at + 1, float(row[name])) for at, row in enumerate(rows) if row["stage"] == stage and row[name]]
            if points:  # epoch 0 has no train loss, and matplotlib would take the style for a figure
                axes.plot(*zip(*points, strict=True), style, label=f"{stage}: {name.replace('_', ' ')}")
