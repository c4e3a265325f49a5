"""What is wrong with a benchmark's arguments is said before anything is measured."""

from __future__ import annotations

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


def test_what_the_measured_process_says_comes_through(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["memory", "--bundle", str(tmp_path / "nope"), "--runs", "1"]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"benchmarks: error: {tmp_path / 'nope'} is not a bundle")
    assert error.count("\n") == 1


def test_levers_need_a_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("precious")
    arguments = ["levers", "no recipe", "--captions", "c.csv", "--photos", "."]
    assert main([*arguments, "--out", str(tmp_path / "file")]) == 1
    assert "file can't be written (Not a directory)" in capsys.readouterr().err
