from __future__ import annotations

from pathlib import Path

import pytest

from export.__main__ import main


@pytest.mark.parametrize("content", [None, b"", b"no checkpoint"])
def test_a_bad_checkpoint_is_refused_in_one_line(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = tmp_path / "model.pt"
    if content is not None:
        checkpoint.write_bytes(content)
    options = ["--captions", "captions.csv", "--photos", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main([str(checkpoint), *options]) == 1
    error = capsys.readouterr().err
    assert f"{checkpoint} is no checkpoint of this version" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_captions_beside_a_mixture_are_not_passed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--captions", "captions.csv", "--data", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main(["fast", *options]) == 1
    assert "--data takes the sources that the recipe names; leave it out" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--calibration-photos", "0"],
        ["--method", "entropy"],
        *(["--captions", "c.csv", "--photos", ".", "--out", "b", "--gate", gate] for gate in ("nan", "-5", "inf", "x")),
    ],
)
def test_usage_errors_exit_with_2(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["model.pt", *options])
    assert "usage:" in capsys.readouterr().err
