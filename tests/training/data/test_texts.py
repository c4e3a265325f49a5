"""Sentences without photos: read, held apart from dev and test, and learnt."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from edge_caption.errors import ConfigError
from tests.conftest import ROOT
from training.__main__ import main
from training.data.captioned_photos import split_of
from training.data.features import mean_of
from training.data.mixture import load_by_people
from training.data.splits import Data, mixed
from training.data.texts import held_out, load_texts
from training.errors import DataError
from training.model.checkpoint import Checkpoint, load_checkpoint
from training.model.decoding import greedy
from training.recipe import load_recipe
from training.sources import Source, Text

ROWS = [
    ("0.jpg", "a red dog runs on grass", "train"),
    ("1.jpg", "A tall man, holds his ball!", "dev"),
    ("2.jpg", "one dog beside the man", "test"),
    ("3.jpg", "the green ball", "train"),
]
CHINESE = [("0.jpg", "红色的狗在草地上", "train"), ("1.jpg", "绿色的草地", "dev")]
LINES = [
    "17#0\ta tall man holds his ball.",  # dev's, but for a comma and capitals
    "18\tOne dog beside the man",  # test's
    "the green dog runs on red grass",
    "",
    "19\t...",
    "20\ta ball on the grass",
]
LEARNT = "the green dog runs on red grass"

RECIPE = """
name = "worded"
min_count = 1
model = {region = 32, attention = 16, hidden = 48, embedding = 32, side = 64}

[[sources]]
name = "photos"
captions = "c.csv"

[[sources]]
name = "photos, zh"
captions = "zh.csv"
language = "zh"

[[texts]]
name = "text"
captions = "text.tsv"
weight = 400
written_by = "models"
terms = "ours alone"

[[texts]]
name = "text, zh"
captions = "zh.txt"
language = "zh"
weight = 400

[[stages]]
name = "words"
kind = "words"
epochs = 2
learning_rate = 5e-3
photos_per_step = 8
dropout = 0.0
label_smoothing = 0.0
ema = 0.5

[[stages]]
name = "seen"
epochs = 1
learning_rate = 1e-4
photos_per_step = 4
"""


@pytest.fixture
def folder(tmp_path: Path, data: Data) -> Path:
    for name, rows in (("c.csv", ROWS), ("zh.csv", CHINESE)):
        lines = [f'{photo},"{caption}",{split}' for photo, caption, split in rows]
        (tmp_path / name).write_text("\n".join(["image,caption,split", *lines]) + "\n")
    for number, photo in enumerate(data.dev[:4]):
        (tmp_path / f"{number}.jpg").symlink_to(photo.file)
    (tmp_path / "text.tsv").write_text("\n".join(LINES) + "\n")
    (tmp_path / "zh.txt").write_text("绿色的草地。\n草地上的狗\n")
    (tmp_path / "worded.toml").write_text(RECIPE)
    return tmp_path


def test_what_dev_and_test_say_is_left_out(folder: Path) -> None:
    recipe = load_recipe(folder / "worded.toml")
    read = mixed(recipe.sources, folder, recipe.texts)
    assert [(photo.captions, photo.language) for photo in read.texts] == [
        ((LEARNT,), "en"),
        (("a ball on the grass",), "en"),
        (("草地上的狗",), "zh"),
    ]
    assert len({photo.file for photo in read.texts}) == 3


def test_of_a_file_that_is_train_alone_nothing_is_left_out(folder: Path) -> None:
    (text, *_) = load_recipe(folder / "worded.toml").texts
    photo = next(name for name in (f"{number}.jpg" for number in range(4, 200)) if split_of(name) == "test")
    (folder / photo).symlink_to(folder / "0.jpg")
    (folder / "all.csv").write_text(f"image,caption\n{photo},{LEARNT}\n")
    (folder / "dev.csv").write_text("image,caption\n2.jpg,a ball on the grass\n")
    own = Source(name="own", captions="all.csv", dev_captions="dev.csv")
    assert LEARNT in {photo.captions[0] for photo in mixed([own], folder, [text]).texts}


def test_texts_that_say_nothing_new_are_refused(folder: Path) -> None:
    recipe = load_recipe(folder / "worded.toml")
    (folder / "text.tsv").write_text("\n".join(LINES[:2]))
    with pytest.raises(DataError, match=r"text\.tsv has no sentence that is not in dev or test"):
        mixed(recipe.sources, folder, recipe.texts)
    with pytest.raises(DataError, match=r"gone\.txt can't be read"):
        mixed(recipe.sources, folder, [Text(name="gone", captions="gone.txt")])


def test_no_sentence_of_the_real_dev_sets_is_learnt() -> None:
    shared = ROOT.parent / "shared"
    if not (shared / "scenes" / "text").is_dir():
        pytest.skip(f"needs {shared / 'scenes' / 'text'}")
    recipe = load_recipe(ROOT / "training" / "recipes" / "fast-texts.toml")
    people = [source for source in recipe.sources if source.written_by == "people"]
    dev = load_by_people(people, shared, "dev")
    kept = load_texts(recipe.texts, shared, held_out(people, shared, dev))
    every = load_texts(recipe.texts, shared, set())
    said = {alphanumeric(caption) for photo in dev for caption in photo.captions}
    assert not said & {alphanumeric(photo.captions[0]) for photo in kept}
    assert len(every) - len(kept) > 200


def alphanumeric(sentence: str) -> str:
    return "".join(filter(str.isalnum, sentence.lower()))


@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning", "ignore::UserWarning:lightning")
def test_words_are_learnt_without_photos_and_photos_after_them(folder: Path, weights: Path) -> None:
    if shutil.which("java") is None:
        pytest.skip("scoring needs Java")
    (folder / "text.tsv").write_text("\n".join(LINES[:3]))
    options = [folder / "worded.toml", "--data", folder, "--weights", weights, "--out", folder / "runs"]
    assert main(list(map(str, options))) == 0
    words, seen = (load_checkpoint(folder / "runs" / "worded" / f"{stage}.pt") for stage in ("words", "seen"))
    (features,) = (folder / "runs" / "features").glob("train-*.npy")
    assert said(words, features) == [LEARNT, "草地 上 的 狗"]
    with (folder / "runs" / "worded" / "log.csv").open() as log:
        first, last, *photos = csv.DictReader(log)
    assert [row["stage"] for row in (first, last, *photos)] == ["words", "words", "seen", "seen"]
    assert float(last["train_loss"]) < float(first["train_loss"]) / 2
    before, after = (one.model.encoder.backbone.state_dict() for one in (words, seen))
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    brought = {of["name"]: (of["photos"], of["captions"]) for of in seen.trained_on["sources"]}
    assert brought == {"photos": (2, 2), "photos, zh": (1, 1), "text": (0, 1), "text, zh": (0, 1)}
    assert "text: ours alone" in seen.trained_on["terms"]
    (folder / "text.tsv").write_text("\n".join(LINES))
    assert main(list(map(str, options))) == 1, "other sentences, another run"


def said(checkpoint: Checkpoint, features: Path) -> list[str]:
    """Return what the captioner says of no photo in each of its languages."""
    model = checkpoint.model.eval()
    nothing = torch.from_numpy(mean_of(np.load(features), 2)[0].copy()).float()
    starts = torch.tensor([checkpoint.vocabulary.start(language) for language in checkpoint.languages])
    with torch.inference_mode():
        tokens = greedy(model.decoder, model.encoder.attend_to(nothing), starts)
    return [" ".join(checkpoint.vocabulary.decode(row.tolist())) for row in tokens]


def test_the_mean_of_photos_stands_for_none() -> None:
    features = np.random.default_rng(3).random((2, 1100, 6, 2, 2)).astype(np.float16)
    features[1] = 9  # mirror images show the same
    mean = mean_of(features, 40_000)
    assert mean.shape == (2, 40_000, 6, 1, 1)
    assert mean[1, 39_999, :, 0, 0] == pytest.approx(features[0].astype(float).mean((0, 2, 3)), abs=0.03)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('kind = "words"\n', 'kind = "words"\nencoder_learning_rate = 1e-4\n', "learns without photos"),
        ('kind = "words"\n', "", "need each other"),
        (RECIPE[RECIPE.index("[[texts]]") : RECIPE.index("[[stages]]")], "", "need each other"),
        (RECIPE[RECIPE.index("[[sources]]") : RECIPE.index("[[texts]]")], "", "need each other"),
        ('name = "text"', 'name = "photos"', "two sources or texts have one name"),
        ('"text.tsv"', '"text.tsv"\nphotos = "here"', "unknown field `photos`"),
        ('language = "zh"\nweight', 'language = "xx"\nweight', "there is no language"),
    ],
)
def test_a_recipe_with_texts_that_cant_be_is_refused(folder: Path, before: str, after: str, says: str) -> None:
    assert RECIPE.count(before) == 1
    (folder / "worded.toml").write_text(RECIPE.replace(before, after))
    with pytest.raises(ConfigError, match=says):
        load_recipe(folder / "worded.toml")
