"""What reaches a terminal, whatever files, captions and brokers are called."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge_caption.commands.parser import Parser
from edge_caption.mqtt.broker import free_port
from edge_caption.terminal.output import set_up_log
from tests.conftest import ROOT

NASTY = "\x1b]0;title\x07\x1b[2J\nedge-caption: all is well\u202egpj\x9b31m"

ENCODINGS = ["utf-8", "latin-1", "ascii"]


def run(folder: Path, *arguments: str | Path, encoding: str = "utf-8") -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | {"PYTHONIOENCODING": encoding, "XDG_STATE_HOME": str(folder / "state")}
    command = [sys.executable, "-m", "edge_caption", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False, timeout=60)


def assert_harmless(output: bytes, encoding: str = "utf-8") -> None:
    """Nothing but letters, and ends of lines that are ours."""
    for line in output.decode(encoding).split("\n"):
        assert line.isprintable(), line
        assert "\u202e" not in line
        assert not line.startswith("edge-caption: all is well")


@pytest.fixture
def album(tmp_path: Path, demo_photos: list[Path]) -> Path:
    """Photos with names that command a terminal, that no locale has, and one that is none."""
    folder = tmp_path / "album"
    folder.mkdir()
    for name in (f"{NASTY}.jpg".encode(), "女孩 😀.jpg".encode(), b"caf\xe9.jpg"):
        shutil.copy(demo_photos[0], folder / os.fsdecode(name))
    (folder / f"{NASTY}.png").write_bytes(b"no photo")
    return folder


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_names_of_photos_are_escaped(album: Path, tiny_bundle: Path, encoding: str) -> None:
    done = run(album, "caption", album, "--bundle", tiny_bundle, encoding=encoding)
    assert done.returncode == 1
    assert_harmless(done.stdout, encoding)
    assert_harmless(done.stderr, encoding)
    assert done.stdout.count(b"\n") == 3
    assert rb"\u001b]0;title" in done.stdout
    assert rb"\u001b]0;title" in done.stderr
    assert ("女孩 😀" if encoding == "utf-8" else r"\u5973\u5b69 \ud83d\ude00") in done.stdout.decode(encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_json_is_json_in_any_encoding(album: Path, tiny_bundle: Path, encoding: str) -> None:
    done = run(album, "caption", "--json", album, "--bundle", tiny_bundle, encoding=encoding)
    assert_harmless(done.stdout, encoding)
    names = {Path(json.loads(line)["file"]).name for line in done.stdout.decode(encoding).splitlines()}
    assert names == {f"{NASTY}.jpg", "女孩 😀.jpg", "caf\ufffd.jpg"}


def test_names_of_photos_are_escaped_in_the_log(album: Path, tiny_bundle: Path) -> None:
    done = run(
        album, "run", "--source", album, "--bundle", tiny_bundle, "--broker", f"embedded:{free_port()}", "--fps", "100"
    )
    assert_harmless(done.stderr)
    assert rb"\u001b]0;title" in done.stderr


@pytest.mark.parametrize("arguments", [["caption", NASTY], ["run", "--source", "0", "--config", NASTY], ["run", NASTY]])
def test_arguments_are_escaped_in_errors(tmp_path: Path, arguments: list[str]) -> None:
    done = run(tmp_path, *arguments)
    assert done.returncode
    assert_harmless(done.stderr)


def test_a_models_names_are_escaped(tmp_path: Path, tiny_bundle: Path) -> None:
    manifest = tiny_bundle / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"name": NASTY}))
    (tiny_bundle / "manifest.sha256").unlink()
    for option in ([], ["--json"]):
        done = run(tmp_path, "model", "show", tiny_bundle, *option)
        assert_harmless(done.stdout)
    assert json.loads(done.stdout)["name"] == NASTY


def test_the_log_escapes_what_it_is_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    set_up_log()
    try:
        raise ValueError(NASTY)
    except ValueError as error:
        logging.getLogger("edge_caption").warning("the broker said %s", NASTY, exc_info=error)
    said = capsys.readouterr().err
    assert said.startswith(r"edge-caption: the broker said \u001b]0;title\u0007")
    assert "Traceback" in said
    assert "\x1b" not in said
    assert "\u202e" not in said


def test_usage_escapes_what_was_given(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        Parser("edge-caption").parse_args([NASTY])
    assert "\x1b" not in capsys.readouterr().err


def test_nothing_is_printed_past_it() -> None:
    """`print` is called by `say` and `overwrite`."""
    package = ROOT / "edge_caption"
    files = {
        str(file.relative_to(package)) for file in package.rglob("*.py") if re.search(r"\bprint\(", file.read_text())
    }
    assert files == {"terminal/output.py"}
