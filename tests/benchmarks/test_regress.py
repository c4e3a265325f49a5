from __future__ import annotations

import copy
import itertools
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import regress
from benchmarks.__main__ import main
from benchmarks.compared import COMPARED, Figures
from benchmarks.regress import committed, compare, differing

BEFORE: Figures = {
    "machine": {"processor": "a processor", "cores": 4, "packages": {"onnxruntime": "1.32.0"}},
    "bundles": {
        "accurate": {
            "median_ms": {"cpu-x86": 10.0, "pytorch eager": 40.0},
            "times_faster_than": {"pytorch eager": {"median": 4.0}},
        }
    },
}


def latency(milliseconds: float, lead: float) -> dict[str, Any]:
    found = {"median_ms": {"cpu-x86": milliseconds}, "times_faster_than": {"pytorch eager": {"median": lead}}}
    return {"bundles": {"accurate": found}}


def test_what_got_slower_and_what_lost_its_lead_is_worse() -> None:
    rows = compare("latency", BEFORE, latency(15.0, 2.0), same_processor=True)
    assert rows["latency: accurate, cpu-x86, ms"] == {"before": 10.0, "now": 15.0, "worse_by": 0.5}
    assert rows["latency: accurate, times faster than pytorch eager"]["worse_by"] == 1.0


def test_a_figure_that_fell_to_nothing_is_worse_and_one_that_stays_nothing_is_not() -> None:
    rows = compare("latency", BEFORE, latency(10.0, 0.0), same_processor=True)
    assert rows["latency: accurate, times faster than pytorch eager"]["worse_by"] > 1000
    rows = compare("latency", latency(0.0, 0.0), latency(5.0, 0.0), same_processor=True)
    assert rows["latency: accurate, cpu-x86, ms"]["worse_by"] > 1000
    assert rows["latency: accurate, times faster than pytorch eager"]["worse_by"] == 0


def test_milliseconds_of_another_processor_are_not_compared() -> None:
    rows = compare("latency", BEFORE, BEFORE, same_processor=False)
    assert list(rows) == ["latency: accurate, times faster than pytorch eager"]


def test_another_machine_is_said() -> None:
    now = {"processor": "another", "cores": 2, "packages": {"onnxruntime": "1.33.0", "torch": "2.13"}}
    processor, cores, version = differing("latency", BEFORE["machine"], now)
    assert processor.startswith("latency: another processor (a processor before, another now): its milliseconds")
    assert cores == "latency: another number of cores (4 before, 2 now)"
    assert version == "latency: another version: onnxruntime 1.32.0 before, 1.33.0 now"
    assert differing("latency", BEFORE["machine"], BEFORE["machine"]) == []


def leaves(figures: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each number."""
    if isinstance(figures, dict | list):
        for key in figures if isinstance(figures, dict) else range(len(figures)):
            yield from leaves(figures[key], (*path, key))
    elif isinstance(figures, float | int):
        yield path


def changed(figures: Figures, path: tuple[Any, ...], factor: float) -> Figures:
    fresh = copy.deepcopy(figures)
    place = fresh
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] *= factor
    return fresh


@pytest.mark.parametrize("name", COMPARED)
def test_each_figure_of_the_committed_results_is_named_when_it_is_twice_as_bad(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = committed(name)
    monkeypatch.setattr(regress, "RESULTS", tmp_path)
    monkeypatch.setattr(regress, "committed", lambda _: before)
    wanted = {f"{name}: {figure.name}" for figure in COMPARED[name](before)}
    named: set[str] = set()
    for path, factor in itertools.product(leaves(before), (0.5, 2.0)):
        fresh = changed(before, path, factor)
        if list(COMPARED[name](fresh)) == list(COMPARED[name](before)):
            continue  # it is not compared
        (tmp_path / f"{name}.json").write_text(json.dumps(fresh))
        code = main(["regress", "--saved", "--only", name])
        out, err = capsys.readouterr()
        worse = json.loads(out)["worse"]
        assert code == bool(worse)
        assert all(f"worse: {one}: " in err for one in worse)
        named |= set(worse)
    assert named == wanted


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
    monkeypatch.setitem(regress.MEASURED, "size", lambda *_: {"wheel": wheel, "bundle": 1})
    assert main(["regress", "--only", "size"]) == code
    out, err = capsys.readouterr()
    assert json.loads(out)["worse"] == worse
    assert "another processor (another before, " in err


def test_what_can_only_be_saved_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["regress", "--only", "scale"]) == 1
    assert "scale is not measured anew here; run it with --save, then compare with --saved" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["[]", "{}", '{"machine": {"processor": "x"}}', '{"machine": []}', "no JSON"])
def test_a_result_of_another_form_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    monkeypatch.setattr(regress, "RESULTS", tmp_path)
    (tmp_path / "size.json").write_text(content)
    assert main(["regress", "--saved", "--only", "size"]) == 1
    error = capsys.readouterr().err
    assert f"{tmp_path / 'size.json'}" in error
    assert error.count("\n") == 1
