"""A training log as a picture."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402 - the backend is chosen first

Points = list[tuple[float, float]]


def plot_log(folder: Path, stages: Sequence[str]) -> Path:
    """Draw loss and dev CIDEr over the epochs of all stages that have a log; returns `<folder>/log.png`."""
    figure, (loss, cider) = pyplot.subplots(1, 2, figsize=(11, 4))
    offset = 0.0
    for stage in stages:
        log = folder / "log" / stage / "metrics.csv"
        if not log.exists():
            continue
        columns = read_log(log)
        for name, style in (("train_loss", "-"), ("dev_loss", "--")):
            _line(loss, columns.get(name, []), offset, style, f"{name.replace('_', ' ')}, {stage}")
        _line(cider, columns.get("dev_cider", []), offset, "o-", stage)
        offset += max((epoch for points in columns.values() for epoch, _ in points), default=-1) + 1
    for axes, title in ((loss, "cross-entropy"), (cider, "dev CIDEr, greedy")):
        axes.set(title=title, xlabel="epoch")
        axes.grid(alpha=0.3)
        axes.legend()
    figure.tight_layout()
    figure.savefig(folder / "log.png", dpi=110)
    pyplot.close(figure)
    return folder / "log.png"


def read_log(file: Path) -> dict[str, Points]:
    """Return metric -> (epoch, value) pairs of a CSV log."""
    columns: dict[str, Points] = {}
    with file.open(newline="") as rows:
        for row in csv.DictReader(rows):
            for name, value in row.items():
                if value and name not in ("epoch", "step"):
                    columns.setdefault(name, []).append((float(row["epoch"]), float(value)))
    return columns


def _line(axes: pyplot.Axes, points: Points, offset: float, style: str, label: str) -> None:
    axes.plot([offset + epoch + 1 for epoch, _ in points], [value for _, value in points], style, label=label)
