"""What is wrong with a benchmark's arguments is said before anything is measured."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks.__main__ import main


@pytest.mark.parametrize(
    "arguments",
    [
        ["annotation", "photos", "--count", "0"],
        ["latency", "--threads", "0"],
        ["latency", "--rounds", "0"],
        ["memory", "--runs", "0"],
        ["memory", "--captions", "0"],
        ["quality", "--captions", "c.csv", "--photos", ".", "--beams", "0"],
    ],
)
def test_counts_begin_at_1(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert f"argument {arguments[-2]}: '0' is not a whole number from 1 on" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        *(["http"], ["page"], ["workers"], ["worker-faults"], ["memory"], ["cameras"], ["update"], ["size"]),
        *(["latency"], ["peers"], ["find-again", "--photos", "."], ["gates", "."]),
        ["gallery", "--captions", "c.csv", "--photos", ".", "--out", "g.html"],
    ],
)
def test_a_bundle_that_is_not_there_is_one_sentence(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--bundle", str(tmp_path / "nope")]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"benchmarks: error: {tmp_path / 'nope'} is not a bundle")
    assert error.count("\n") == 1


def test_two_bundles_of_one_name_are_not_taken_for_one(tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = Path(shutil.copytree(tiny_bundle, tiny_bundle.parent / "other" / tiny_bundle.name))
    assert main(["latency", "--bundle", str(tiny_bundle), str(other)]) == 1
    assert "two bundles are called tiny_bundle" in capsys.readouterr().err


def test_what_the_measured_process_says_comes_through(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    for arguments in (["memory", "--runs", "1"], ["http"]):
        assert main([*arguments, "--bundle", str(tmp_path / "file")]) == 1
        error = capsys.readouterr().err
        assert error.startswith(f"benchmarks: error: {tmp_path / 'file'} is not a bundle")
        assert error.count("\n") == 1


def test_what_only_english_tells_is_not_measured_in_chinese(
    demo_photos: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"{photo},一只狗,dev" for photo in demo_photos]
    (tmp_path / "c.csv").write_text("\n".join(["image,caption,split", *rows]))
    for name in ("alerts", "confidence"):
        assert main([name, "--captions", f"zh={tmp_path / 'c.csv'}", "--photos", str(tmp_path)]) == 1
        assert "only English names objects that are known here, not zh" in capsys.readouterr().err


def test_too_few_photos_are_one_sentence(
    demo_photos: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"{photo},a dog,{split}" for photo, split in zip(demo_photos, ("train", "train", "dev"), strict=False)]
    (tmp_path / "c.csv").write_text("\n".join(["image,caption,split", *rows]))
    data = ["--captions", str(tmp_path / "c.csv"), "--photos", str(tmp_path)]
    assert main(["confidence", *data]) == 1
    assert "1 photos can't be cut into 5 parts" in capsys.readouterr().err
    adapt = ["adapt", "training/recipes/adapt.toml", "--bundle", "fast", *data, "--out", str(tmp_path / "runs")]
    assert main(adapt) == 1
    assert "2 photos are of the kind, 200 of which judge, so 0 are left to adapt to" in capsys.readouterr().err
    assert main([*adapt, "--words", "("]) == 1
    assert "--words '(' is no regular expression" in capsys.readouterr().err


def test_levers_need_a_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("precious")
    arguments = ["levers", "no recipe", "--captions", "c.csv", "--photos", "."]
    assert main([*arguments, "--out", str(tmp_path / "file")]) == 1
    assert "file can't be written (Not a directory)" in capsys.readouterr().err


def test_too_short_a_measurement_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    if shutil.which("mosquitto") is None and not Path("/usr/sbin/mosquitto").exists():
        pytest.skip("needs mosquitto")
    assert main(["soak", "--hours", "0.00005", "--outages", "0", "--cameras", "1"]) == 1
    assert "too little was measured" in capsys.readouterr().err
