from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from edge_caption.model.decoder import Decoder, Sentence
from edge_caption.model.encoder import Seen
from edge_caption.model.vocabulary import SPECIAL, START, Vocabulary
from export.qdq import convolutions
from export.sensitivity import Bench, Measured, Sensitivity, draw, find, main
from tests.export.conftest import Exported
from training.data.captioned_photos import CaptionedPhoto
from training.scoring.scores import Scorer


@pytest.fixture(scope="module")
def found(exported: Exported) -> Sensitivity:
    if shutil.which("java") is None:
        pytest.skip("scoring needs Java")
    dev = [CaptionedPhoto(file, (f"word{number} word7 word9",)) for number, file in enumerate(exported.photos[:2])]
    bench = Bench(exported.checkpoint, exported.table, dev, Scorer([photo.captions for photo in dev]).cider)
    return find(bench, gate=10.0)


def test_every_convolution_is_left_out_once(found: Sensitivity, exported: Exported) -> None:
    assert list(found.without) == convolutions(exported.encoder)
    assert max(one.decibels for one in found.without.values()) > found.int8.decibels


def test_where_the_gate_lets_all_through_nothing_is_kept_in_float(found: Sensitivity) -> None:
    assert found.proposal == []


def test_the_costliest_comes_first_and_the_picture_is_drawn(tmp_path: Path) -> None:
    found = Sensitivity(0.5, Measured(20.0, 0.49), {"a": Measured(20.1, 0.49), "b": Measured(21.0, 0.5)}, ["b"])
    assert found.ranked() == ["b", "a"]
    draw(found, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 10_000


def test_the_photos_language_is_spoken(exported: Exported, monkeypatch: pytest.MonkeyPatch) -> None:
    words = (*SPECIAL, "<zh>", *exported.checkpoint.vocabulary.words[len(SPECIAL) + 1 :])
    checkpoint = replace(exported.checkpoint, vocabulary=Vocabulary(words), languages=("zh", "en"))
    starts: list[int] = []

    def say(decoder: Decoder, _seen: Seen, _words: int) -> Sentence:
        starts.append(decoder.start)
        return Sentence((7, 9), (), (), 0.0)

    monkeypatch.setattr("export.sensitivity.greedy", say)
    said: list[Sequence[str]] = []

    def score(sentences: Sequence[str]) -> float:
        said.append(sentences)
        return 0.0

    for language in ("en", "zh"):
        dev = [CaptionedPhoto(exported.photos[0], ("word7",), language)]
        bench = Bench(checkpoint, exported.table, dev, score)
        bench.cider(bench.encoder)
    assert starts == [START, words.index("<zh>")]
    assert said == [[f"{words[7]} {words[9]}"], [f"{words[7]}{words[9]}"]]


@pytest.mark.parametrize(
    ("option", "says"),
    [
        (["--out", "file/s"], "file/s can't be written (Not a directory)"),
        (["--captions", "zh=captions.csv"], "the checkpoint does not speak zh; give --captions in en"),
    ],
)
def test_what_is_wrong_is_said_before_the_work(
    option: list[str],
    says: str,
    exported: Exported,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("precious")
    exported.checkpoint.save(Path("model.pt"))
    assert main(["model.pt", "--captions", "captions.csv", "--photos", ".", *option]) == 1
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("option", [["--dev-photos", "0"], ["--calibration-photos", "-1"], ["--gate", "nan"]])
def test_usage_errors_exit_with_2(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["model.pt", "--captions", "captions.csv", "--photos", ".", *option])
    assert f"argument {option[0]}" in capsys.readouterr().err
