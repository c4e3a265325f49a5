"""A captioner's sentences beside people's."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edge_caption.captioner import Captioner
from tests.conftest import ROOT
from training import teach
from training.data.load import load

PEOPLE = 'image,caption,split\na.jpg,a small bird,train\na.jpg,it is brown,train\nb.jpg,"two people, walking",dev\n'


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, photo in (("a.jpg", "wren.jpg"), ("b.jpg", "walkers.jpg")):
        shutil.copy(ROOT / "edge_caption" / "demo" / "photos" / photo, folder / name)
    (tmp_path / "people.csv").write_text(PEOPLE)
    return folder


def run(photos: Path, out: Path, bundle: Path, *options: str) -> int:
    captions = photos.parent / "people.csv"
    return teach.main(
        [
            *("--captions", str(captions), "--photos", str(photos), "--bundle", str(bundle), "--out", str(out)),
            *options,
        ]
    )


def test_train_photos_get_the_captioners_sentences_and_dev_stays_peoples(
    photos: Path, tmp_path: Path, tiny_bundle: Path
) -> None:
    out = tmp_path / "taught.csv"
    assert run(photos, out, tiny_bundle, "--beams", "1", "--times", "3") == 0
    said = Captioner(tiny_bundle, beam=1).caption(photos / "a.jpg").text
    (train,) = load(out, photos, "train")
    assert train.captions == ("a small bird", "it is brown", *[said] * 3)
    (dev,) = load(out, photos, "dev")
    assert dev.captions == ("two people, walking",)


@pytest.mark.parametrize(
    ("out", "options", "wrong"),
    [
        ("taught.txt", (), "give a name that ends in .csv"),
        ("nowhere/taught.csv", (), "can't be written"),
        ("taught.csv", ("--bundle", "nowhere"), "nowhere"),
    ],
)
def test_what_is_wrong_takes_one_sentence_and_leaves_nothing(
    photos: Path,
    tmp_path: Path,
    tiny_bundle: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    out: str,
    options: tuple[str, ...],
    wrong: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(photos, tmp_path / out, tiny_bundle, *options) == 1
    assert wrong in capsys.readouterr().err
    assert not list(tmp_path.rglob("taught*"))
