from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from benchmarks import regress
from benchmarks.__main__ import main
from benchmarks.regress import Regression, committed, compare

BEFORE = {
    "machine": {"processor": "a processor"},
    "median_ms": {"cpu-x86": 10.0, "pytorch eager": 40.0},
    "times_faster_than": {"pytorch eager": {"median": 4.0}},
}


def test_what_got_slower_and_what_lost_its_lead_is_worse() -> None:
    fresh = {"median_ms": {"cpu-x86": 15.0}, "times_faster_than": {"pytorch eager": {"median": 2.0}}}
    rows = compare("latency", BEFORE, fresh, same_processor=True)
    assert rows["latency: cpu-x86, ms"] == {"before": 10.0, "now": 15.0, "worse_by": 0.5}
    assert rows["latency: times faster than pytorch eager"]["worse_by"] == 1.0


def test_milliseconds_of_another_processor_are_not_compared() -> None:
    rows = compare("latency", BEFORE, BEFORE, same_processor=False)
    assert list(rows) == ["latency: times faster than pytorch eager"]


def test_the_committed_file_counts_not_the_one_that_was_saved_since(tmp_path: Path) -> None:
    (tmp_path / "size.json").write_text('{"wheel": 1}')
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "first"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    (tmp_path / "size.json").write_text('{"wheel": 2}')
    assert committed("size", tmp_path) == {"wheel": 1}


@pytest.mark.parametrize(("wheel", "code", "worse"), [(1100, 0, []), (1101, 1, ["size: wheel, bytes"])])
def test_the_exit_code_says_whether_something_got_worse(
    wheel: int, code: int, worse: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {"machine": {"processor": "another"}, "wheel": 1000, "bundle": 1}
    monkeypatch.setattr(regress, "committed", lambda _: before)
    measured = Regression(lambda *_: {"wheel": wheel, "bundle": 1}, regress._size)
    monkeypatch.setitem(regress.REGRESSIONS, "size", measured)
    assert main(["regress", "--only", "size"]) == code
    assert json.loads(capsys.readouterr().out)["worse"] == worse
