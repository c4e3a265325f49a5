from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

import pytest

from edge_caption.commands.cli import main
from edge_caption.commands.sinks import open_sinks
from edge_caption.config import load
from edge_caption.history.tables import history_path
from tests.brokers import Mosquitto, mosquitto
from tests.conftest import obeying_rights
from tests.history.captions import keep, record

__all__ = ["mosquitto"]


def test_what_a_run_keeps_is_found(
    tmp_path: Path, tiny_bundle: Path, demo_photos: list[Path], mosquitto: Mosquitto, capsys: pytest.CaptureFixture[str]
) -> None:
    state = ["--state-dir", str(tmp_path / "state")]
    run = ["run", "--source", str(demo_photos[0].parent), "--broker", mosquitto.url, "--fps", "50", "--history"]
    assert main([*run, "--bundle", str(tiny_bundle), "--camera", "porch", "--node", "pi", *state]) == 0
    said = capsys.readouterr().out.splitlines()
    assert main(["search", "box", "--since", "100000h", *state]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(said) == len(lines) > 1
    for printed, line in zip(said, reversed(lines), strict=True):
        assert line.endswith(printed)  # with the day before it
    assert main(["search", "--json", "--camera", "porch", "--limit", "1", *state]) == 0
    (only,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert only["caption"] in said[-1]
    assert only["id"] == f"pi:{len(said)}"
    assert main(["search", "zebra", *state]) == 0
    assert capsys.readouterr().err == "edge-caption: no caption fits; try fewer words or a longer time\n"


def test_the_history_is_closed_at_the_end(tmp_path: Path) -> None:
    settings = load(None, {"node": "pi", "state_dir": tmp_path, "history": {"keep": True}}, {})
    log = history_path(tmp_path, "pi").with_name("history.db-wal")
    with open_sinks(settings, threading.Event()) as (_, history):
        history.take(record(1, "a dog"), None)
        assert log.exists()
    assert not log.exists()  # SQLite's, as long as the file is open


def test_another_user_may_search_what_a_stopped_node_has_kept(tmp_path: Path) -> None:
    path = history_path(tmp_path, "pi")
    keep(path, ["a dog in the yard"])
    assert [file.name for file in path.parent.iterdir()] == ["history.db"]
    path.parent.chmod(0o555)
    command = [sys.executable, "-m", "edge_caption", "search", "dog", "--state-dir", str(tmp_path)]
    done = obeying_rights(command)
    path.parent.chmod(0o755)
    assert (done.returncode, done.stderr) == (0, "")
    assert "a dog in the yard" in done.stdout


def test_a_run_without_it_keeps_nothing_and_search_says_so(
    tmp_path: Path, tiny_bundle: Path, demo_photos: list[Path], mosquitto: Mosquitto, capsys: pytest.CaptureFixture[str]
) -> None:
    state = ["--state-dir", str(tmp_path / "state")]
    run = ["run", "--source", str(demo_photos[0]), "--broker", mosquitto.url, "--bundle", str(tiny_bundle)]
    assert main([*run, *state]) == 0
    capsys.readouterr()
    assert main(["search", "box", *state]) == 1
    assert "no history is kept in" in capsys.readouterr().err
    assert not list((tmp_path / "state").rglob("history*"))
