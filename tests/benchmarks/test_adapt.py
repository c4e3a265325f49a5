from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import benchmarks.adapt
from benchmarks.__main__ import main
from benchmarks.adapt import split
from tests.training.pictures import captioned
from training.data.captioned_photos import CaptionedPhoto
from training.data.words import build_vocabulary
from training.model.caption_model import CaptionModel, Dimensions
from training.model.checkpoint import Checkpoint

RECIPE = "name = 'adapt'\nmin_count = 1\n[[stages]]\nname = 'frozen'\nepochs = 1\nlearning_rate = 1e-3\n"


def test_old_photos_come_as_often_as_those_of_the_kind() -> None:
    photos = [CaptionedPhoto(Path(f"{number}.jpg"), ("a dog",)) for number in range(60)]
    data = split(photos[:20], photos[20:])
    assert (len(data.train), len(data.dev)) == (18 + 40, 2)
    assert sum(photo.weight for photo in data.train[18:]) == pytest.approx(18)


@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning", "ignore::UserWarning:lightning")
def test_each_size_is_judged_by_the_same_photos_before_and_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if shutil.which("java") is None:
        pytest.skip("scoring needs Java")
    monkeypatch.setattr(benchmarks.adapt, "TEST", 4)
    vocabulary = build_vocabulary(captioned(tmp_path, 16), 1)
    size = Dimensions(side=64, region=8, attention=8, hidden=8, embedding=8)
    Checkpoint(CaptionModel(size, len(vocabulary)), vocabulary, {"data": "another"}).save(tmp_path / "start.pt")
    (tmp_path / "adapt.toml").write_text(RECIPE)
    data = ["--captions", tmp_path / "captions.csv", "--photos", tmp_path, "--words", "dog|red"]
    options = ["--bundle", tmp_path / "start.pt", "--sizes", "4", "--seeds", "1", "--out", tmp_path / "runs"]
    old = ["--old", tmp_path / "captions.csv", tmp_path]
    assert main([str(part) for part in ("adapt", tmp_path / "adapt.toml", *data, *options, *old)]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert [(run["photos"], run["with_old"]) for run in figures["runs"]] == [(4, False), (4, True)]
    assert all(run["test"][0] == figures["test_before"] for run in figures["runs"])
    assert all(run["dev"][1] >= run["dev"][0] for run in figures["runs"])
