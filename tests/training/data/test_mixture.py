"""Several sources of photos and sentences as one data set."""

from __future__ import annotations

import csv
import random
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from edge_caption.errors import ConfigError
from training.__main__ import main
from training.data.batches import Sentences, Steps, draw_files
from training.data.mixture import load_mixture, made_from
from training.data.words import build_vocabulary
from training.errors import DataError
from training.model.checkpoint import load_checkpoint
from training.recipe import load_recipe
from training.scoring.scores import parts_of
from training.sources import Source

HOME = Source(name="home", captions="home.csv", photos="home", weight=2.0, terms="ours")
STREET = Source(name="street", captions="street.csv", photos="street")
MACHINE = Source(name="machine", captions="machine.csv", photos="home", trust=0.25, written_by="models")
ROWS = {
    "home": ["0.jpg,a red cup,train", "0.jpg,the cup,train", "1.jpg,a chair,dev"],
    "street": ["0.jpg,a car,train", "2.jpg,a bus,dev"],
    "machine": ["0.jpg,a cup of tea,train", "3.jpg,a door,train", "1.jpg,a seat,dev"],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, rows in ROWS.items():
        (tmp_path / f"{name}.csv").write_text("\n".join(["image,caption,split", *rows]) + "\n")
        (tmp_path / name).mkdir()
        for photo in range(4):
            (tmp_path / name / f"{photo}.jpg").touch()
    return tmp_path


def test_all_that_sources_wrote_of_a_photo_comes_together(folder: Path) -> None:
    train, dev = load_mixture([HOME, STREET, MACHINE], folder)
    assert {str(photo.file.relative_to(folder)): photo.captions for photo in train} == {
        "home/0.jpg": ("a red cup", "the cup", "a cup of tea"),
        "street/0.jpg": ("a car",),
        "home/3.jpg": ("a door",),
    }
    assert [photo.captions for photo in dev] == [("a chair",), ("a bus",)]  # a model's sentence judges nothing
    cup, _car, door = train
    assert cup.trusts == [1.0, 1.0, 0.25]
    assert cup.by_people().captions == ("a red cup", "the cup")
    assert door.by_people() == door
    assert [photo.weight for photo in train] == [2.0, 1.0, 1.0]
    brought = [(of["name"], of["photos"], of["captions"]) for of in made_from([HOME, STREET, MACHINE], train)]
    assert brought == [("home", 1, 2), ("street", 1, 1), ("machine", 2, 2)]


def test_sentences_are_drawn_with_their_trust_and_files_as_often_as_they_weigh(folder: Path) -> None:
    train, _ = load_mixture([HOME, STREET, MACHINE], folder)
    vocabulary = build_vocabulary(train, 1)
    sentences = Sentences(train, vocabulary, 18)
    assert sentences.weights.tolist() == [2.0, 1.0, 1.0]
    _, targets, trust = sentences.sample([0], 3, random.Random(1))
    said = {
        " ".join(vocabulary.decode(row.tolist())): trusted for row, trusted in zip(targets[0], trust[0], strict=True)
    }
    assert {text: float(trusted) for text, trusted in said.items()} == {
        "a red cup": 1.0,
        "the cup": 1.0,
        "a cup of tea": 0.25,
    }
    shown = [file for step in Steps(sentences.weights, 3, 1, shuffle=True) for file in step.files]
    assert Counter(shown) == {0: 2, 1: 1, 2: 1}


def test_half_a_weight_is_every_second_epoch() -> None:
    weights = np.array([0.5] * 7 + [1.0] * 5 + [2.3] * 10)
    epochs = [draw_files(weights, seed) for seed in range(400)]
    assert {len(epoch) for epoch in epochs} == {31}  # 3.5 + 5 + 23
    often = np.mean([np.bincount(epoch, minlength=len(weights)) for epoch in epochs], axis=0)
    assert often == pytest.approx(weights, abs=0.12)
    assert draw_files(np.ones(4), 3).tolist() == [0, 1, 2, 3]
    with pytest.raises(DataError, match="less than one photo an epoch"):
        Steps(np.array([0.1]), 1, 1, shuffle=True)


@pytest.mark.parametrize(
    ("sources", "says"),
    [
        ([MACHINE], "no source names a photo of the dev split"),
        ([structs.replace(STREET, photos="gone")], "there is no folder"),
        ([structs.replace(STREET, captions="gone.csv")], "gone.csv can't be read"),
        ([HOME, structs.replace(STREET, language="zh"), structs.replace(MACHINE, photos="street")], "2.jpg"),
    ],
)
def test_a_mixture_that_cant_be_is_refused(folder: Path, sources: list[Source], says: str) -> None:
    (folder / "machine.csv").write_text("image,caption,split\n2.jpg,a dog,train\n")
    with pytest.raises(DataError, match=says):
        load_mixture(sources, folder)


def test_parts_of_dev_are_called_by_language_or_by_source(folder: Path) -> None:
    chinese = Source(name="chinese", captions="street.csv", photos="street", language="zh")
    _, dev = load_mixture([HOME, STREET, chinese], folder)
    assert parts_of(dev) == {"home": ("en", [0]), "street": ("en", [1]), "zh": ("zh", [2])}


RECIPE = """
name = "mixed"
min_count = 1
model = {region = 16, attention = 8, hidden = 16, embedding = 16, side = 64}

[[sources]]
name = "one"
captions = "one.csv"
terms = "ours alone"

[[sources]]
name = "two"
captions = "two.csv"
weight = 2

[[sources]]
name = "machine"
captions = "machine.csv"
trust = 0.5
written_by = "models"

[[stages]]
name = "taught"
epochs = 2
learning_rate = 1e-3
encoder_learning_rate = 1e-5
photos_per_step = 4
degrade = 0.5

[[stages]]
name = "rewarded"
kind = "self-critical"
epochs = 1
learning_rate = 1e-3
photos_per_step = 4
samples = 2
"""


@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning", "ignore::UserWarning:lightning")
def test_a_recipe_with_sources_trains_and_logs_each_ones_cider(
    data: Any, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if shutil.which("java") is None:
        pytest.skip("scoring needs Java")
    captions = [photo.captions[0] for photo in data.dev]
    for name, numbers, split_at in (("one", range(8), 4), ("two", range(8, 16), 14), ("machine", range(2, 4), 4)):
        rows = [f"{at}.jpg,{captions[at]},{'train' if at < split_at else 'dev'}" for at in numbers]
        (tmp_path / f"{name}.csv").write_text("\n".join(["image,caption,split", *rows]) + "\n")
    for photo in data.dev[:16]:
        (tmp_path / photo.file.name).symlink_to(photo.file)
    (tmp_path / "mixed.toml").write_text(RECIPE)
    options = ["--data", tmp_path, "--weights", weights, "--out", tmp_path / "runs"]
    assert main([str(part) for part in (tmp_path / "mixed.toml", *options)]) == 0
    with (tmp_path / "runs" / "mixed" / "log.csv").open() as log:
        for row in csv.DictReader(log):
            mean = (float(row["dev_cider_one"]) + float(row["dev_cider_two"])) / 2
            assert float(row["dev_cider"]) == pytest.approx(mean, abs=1e-4)
    checkpoint = load_checkpoint(tmp_path / "runs" / "mixed" / "rewarded.pt")
    assert [source.name for source in checkpoint.sources()] == ["one", "two", "machine"]
    assert checkpoint.trained_on["sources"][2]["written_by"] == "models"
    assert "one: ours alone" in checkpoint.trained_on["terms"]
    assert main([str(part) for part in (tmp_path / "mixed.toml", *options, "--captions", "c.csv", "--name", "x")]) == 1
    assert "leave out --captions and --name, and give --data" in capsys.readouterr().err


def test_sources_and_stages_that_cant_be_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "recipe.toml"
    for wrong in (
        RECIPE.replace('"two"', '"one"'),
        RECIPE.replace("weight = 2", "weight = 0"),
        RECIPE.replace("weight = 2", "language = 'xx'"),
        RECIPE.replace('"models"', '"cats"'),
        RECIPE.replace("encoder_learning_rate = 1e-5", ""),  # degrades features that are computed once
    ):
        file.write_text(wrong)
        with pytest.raises(ConfigError, match=r"recipe\.toml is wrong"):
            load_recipe(file)
