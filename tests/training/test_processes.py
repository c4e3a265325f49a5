"""Two processes on the CPU do what several GPUs or machines do."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from edge_caption.errors import ConfigError
from tests.conftest import ROOT
from training.data.splits import Data
from training.machines import Machines
from training.stages.stage import in_order

RECIPE = """
name = "two"
min_count = 1
model = { region = 16, attention = 8, hidden = 16, embedding = 16 }

[[stages]]
name = "photos"
epochs = 1
photos_per_step = 4
learning_rate = 1e-3
encoder_learning_rate = 1e-4

[[stages]]
name = "features"
kind = "adversarial"
epochs = 2
photos_per_step = 4
learning_rate = 1e-3
samples = 2
"""


def test_two_processes_train_one_model(data: Data, weights: Path, tmp_path: Path) -> None:
    if shutil.which("java") is None:
        pytest.skip("scoring needs Java")
    (tmp_path / "recipe.toml").write_text(RECIPE)
    splits = {"train": data.dev[:6], "dev": data.dev[6:11]}  # five don't part into two: one photo is seen twice
    rows = [f"{photo.file.name},{photo.captions[0]},{split}" for split, photos in splits.items() for photo in photos]
    (tmp_path / "captions.csv").write_text("\n".join(["image,caption,split", *rows]))
    options = {"--captions": tmp_path / "captions.csv", "--photos": data.dev[0].file.parent, "--weights": weights}
    command = [sys.executable, "-m", "tests.training.keep_weights", str(tmp_path / "recipe.toml"), "--devices", "2"]
    command += ["--out", str(tmp_path), *(str(text) for option in options.items() for text in option)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("checkpoint: ") == 1
    folder = tmp_path / "two"
    assert sorted(file.name for file in folder.glob("*.pt")) == ["features.pt", "photos.pt"]
    with (folder / "log.csv").open() as log:
        assert [(row["stage"], row["epoch"]) for row in csv.DictReader(log)] == [
            *(("photos", "1"), ("features", "1"), ("features", "2")),
        ]
    for stage in ("photos", "features"):
        first, second = (torch.load(folder / f"{stage}-{rank}.weights", weights_only=True) for rank in range(2))
        torch.testing.assert_close(first, second, rtol=0, atol=0)


def test_what_processes_said_comes_in_the_order_of_the_photos() -> None:
    indices, tokens = torch.tensor([0, 2, 4, 1, 3, 0]), torch.tensor([[10], [12], [14], [11], [13], [10]])
    assert in_order(indices, tokens) == [[10], [11], [12], [13], [14]]


def test_more_gpus_than_there_are_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert Machines(2).devices == 2
    with pytest.raises(ConfigError, match="this machine has 2 GPUs"):
        Machines(3)
