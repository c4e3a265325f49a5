from __future__ import annotations

from pathlib import Path

import pytest

from calibration.__main__ import main
from calibration.table import load_table
from tests.calibration.conftest import TINY


def test_it_writes_a_table(photos: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "calibration.json"
    assert main([str(TINY), "--photos", str(photos[0].parent), "--count", "3", "--out", str(out)]) == 0
    assert load_table(out).photos == 3
    assert "percentile over 3 photos" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("graphs", "folder", "says"),
    [
        (TINY, "empty", "holds no photo"),
        (TINY, "missing", "missing"),
        (Path("nowhere"), "", "nowhere is not a bundle"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    graphs: Path,
    folder: str,
    says: str,
    photos: list[Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "empty").mkdir()
    source = tmp_path / folder if folder else photos[0].parent
    out = tmp_path / "calibration.json"
    assert main([str(graphs), "--photos", str(source), "--out", str(out)]) == 1
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize("out", ["nowhere/c.json", "folder", "file/c.json"])
def test_an_out_that_cannot_be_written_is_refused_before_the_work(
    out: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("precious")
    assert main(["no bundle", "--photos", "no photos", "--out", str(tmp_path / out)]) == 1
    assert str(tmp_path / out) in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "file", tmp_path / "folder"]


@pytest.mark.parametrize(("options", "says"), [([], "--photos"), (["--photos", ".", "--count", "-3"], "'-3'")])
def test_usage_errors_exit_with_2(options: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([str(TINY), *options])
    assert says in capsys.readouterr().err
