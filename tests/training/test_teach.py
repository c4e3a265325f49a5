"""A captioner's sentences beside people's."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from edge_caption.model.vocabulary import SPECIAL, Vocabulary
from tests.conftest import ROOT
from training import teach
from training.data.load import load
from training.model.caption_model import CaptionModel, Dimensions
from training.model.checkpoint import Checkpoint, load_checkpoint
from training.model.ensemble import Ensemble

PEOPLE = 'image,caption,split\na.jpg,a small bird,train\na.jpg,it is brown,train\nb.jpg,"two people, walking",dev\n'


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, photo in (("a.jpg", "wren.jpg"), ("b.jpg", "walkers.jpg")):
        shutil.copy(ROOT / "edge_caption" / "demo" / "photos" / photo, folder / name)
    (tmp_path / "people.csv").write_text(PEOPLE)
    return folder


@pytest.fixture
def teacher(tmp_path: Path) -> Path:
    torch.manual_seed(1)
    vocabulary = Vocabulary([*SPECIAL, *["a", "small", "bird", "it", "is", "brown", "two", "people", "walking"]])
    size = Dimensions(region=16, attention=8, hidden=16, embedding=12, side=64)
    Checkpoint(CaptionModel(size, len(vocabulary)), vocabulary).save(tmp_path / "teacher.pt")
    return tmp_path / "teacher.pt"


def run(photos: Path, out: Path, teacher: Path, *options: str) -> int:
    captions = photos.parent / "people.csv"
    return teach.main(
        [
            *("--captions", str(captions), "--photos", str(photos), "--out", str(out)),
            *("--teachers", str(teacher), *options),
        ]
    )


def test_train_photos_get_the_likeliest_and_the_best_sentence_and_dev_stays_peoples(
    photos: Path, tmp_path: Path, teacher: Path
) -> None:
    out = tmp_path / "taught.csv"
    assert run(photos, out, teacher, "--beams", "3", "--times", "2") == 0
    ensemble = Ensemble([load_checkpoint(teacher)], "en")
    found = [" ".join(ensemble.vocabulary.decode(tokens)) for tokens in ensemble.say([photos / "a.jpg"], 3)[0]]
    (train,) = load(out, photos, "train")
    assert train.captions[:2] == ("a small bird", "it is brown")
    likeliest, best, *again = train.captions[2:]
    assert again == [likeliest, best]
    assert likeliest == found[0]
    assert best in found
    (dev,) = load(out, photos, "dev")
    assert dev.captions == ("two people, walking",)


@pytest.mark.parametrize(
    ("out", "options", "wrong"),
    [
        ("taught.txt", (), "give a name that ends in .csv"),
        ("nowhere/taught.csv", (), "can't be written"),
        ("people.csv", (), "people.csv holds people's sentences"),
        ("folder.csv", (), "folder.csv is a folder"),
        ("taught.csv", ("nowhere.pt",), "nowhere.pt is no checkpoint"),
        ("taught.csv", ("--captions", "zh=people.csv"), "speaks en, not zh"),
    ],
)
def test_what_is_wrong_takes_one_sentence_and_leaves_nothing(
    photos: Path,
    tmp_path: Path,
    teacher: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    out: str,
    options: tuple[str, ...],
    wrong: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.csv").mkdir()
    assert run(photos, tmp_path / out, teacher, *options) == 1
    assert wrong in capsys.readouterr().err
    assert not list(tmp_path.rglob("taught*"))
    assert (tmp_path / "people.csv").read_text() == PEOPLE


def test_photos_keep_the_names_that_they_came_with(photos: Path, tmp_path: Path, teacher: Path) -> None:
    elsewhere = tmp_path / "elsewhere.jpg"
    (photos / "a.jpg").rename(elsewhere)
    (tmp_path / "people.csv").write_text(PEOPLE.replace("a.jpg", str(elsewhere)))
    assert run(photos, tmp_path / "taught.csv", teacher) == 0
    (train,) = load(tmp_path / "taught.csv", photos, "train")
    assert train.file == elsewhere
    assert len(train.captions) > 2


def test_dev_is_looked_at_before_anything_is_captioned(
    photos: Path, tmp_path: Path, teacher: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "b.jpg").unlink()
    monkeypatch.setattr(teach, "_taught", lambda *_: pytest.fail("captioned"))
    assert run(photos, tmp_path / "taught.csv", teacher) == 1
    assert "there is no photo" in capsys.readouterr().err
