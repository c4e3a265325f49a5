from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks.levers import ALL, PEOPLE, Lever, Source, measure
from tests.training.pictures import backbone_weights, captioned
from training.data.load import CaptionFile
from training.model.checkpoint import load_checkpoint

CHANGED = "no dropout, no attention"

RECIPE = """
name = "few"
min_count = 1
seed = 4
model = { region = 16, attention = 8, hidden = 16, embedding = 16, side = 32 }

[[stages]]
name = "only"
epochs = 1
learning_rate = 5e-3
photos_per_step = 4
captions_per_photo = 1
"""

# Lightning's own: it calls what torch has deprecated, and advises on worker processes and loggers.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning:lightning"),
]


def test_every_lever_is_trained_with_and_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if shutil.which("java") is None:
        pytest.skip("scoring needs Java")
    monkeypatch.setattr("benchmarks.levers.LEVERS", {ALL: Lever(), CHANGED: Lever({"dropout": 0.0}, {"pooled": True})})
    taken = captioned(tmp_path, 8)
    captions, recipe = tmp_path / "captions.csv", tmp_path / "few.toml"
    rows, dev = captions.read_text().splitlines(keepends=True), tmp_path / "dev.csv"
    captions.write_text("".join(rows[:7]))
    dev.write_text("".join([rows[0], *rows[7:]]).replace(",train", ",dev"))
    recipe.write_text(RECIPE)
    weights = backbone_weights("mobilenet_v2", taken, tmp_path)
    source = Source([CaptionFile(captions)], tmp_path, [CaptionFile(captions)], [CaptionFile(dev)])
    figures = measure(recipe, source, weights, tmp_path / "levers", 1)
    assert set(figures["cider"]) == {ALL, CHANGED, PEOPLE}
    assert figures["seeds"] == [4]
    assert figures["gained"][PEOPLE] == {"en": {"mean": 0.0}}, "the same sentences, the same run"
    assert set(figures["gained"]) == {CHANGED, PEOPLE}
    recipes = [
        load_checkpoint(tmp_path / "levers" / run / "only.pt").trained_on["recipe"]
        for run in ("all-levers-4", "no-dropout,-no-attention-4")
    ]
    assert [recipe["stages"][0]["dropout"] for recipe in recipes] == [0.4, 0.0]
    assert [recipe["model"]["pooled"] for recipe in recipes] == [False, True]
    assert len(list((tmp_path / "levers" / "features").glob("*.npy"))) == 2, "train and dev, computed once for all"
    assert capsys.readouterr().out == "", "stdout is for the figures"
