"""What every command does: Ctrl-C, an output that fails, and wrong usage that holds a secret."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge_caption.commands.cli import main, parser
from tests.conftest import PHOTOS


def program(*arguments: object, output: int = subprocess.PIPE, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edge_caption", *map(str, arguments)],
        env={**{name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}, **environment},
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["caption", PHOTOS[0]], {}),
        (["model", "show"], {}),
        (["caption", "--help"], {}),
        (["caption", PHOTOS[0]], {"PYTHONUNBUFFERED": "1"}),
    ],
)
def test_a_full_disk_behind_stdout_is_one_sentence(arguments: list[object], environment: dict[str, str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = program(*arguments, output=full.fileno(), **environment)
    sentence = "edge-caption: error: standard output can't be used (No space left on device); choose another\n"
    assert (done.returncode, done.stderr) == (1, sentence)


@pytest.mark.parametrize("arguments", [["caption", "--language", "zh", PHOTOS[0]], ["caption", "--help"]])
def test_what_the_terminal_cannot_show_is_escaped(arguments: list[object]) -> None:
    done = program(*arguments, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "rtsp://me:hush@porch/1"],
        ["run", "rtsp://me:hush hush@porch/1"],
        ["run", "http://porch/user=me_password=hush.sdp"],
        ["run", "--brokr", "mqtt://me:hush@porch", "--source", "0"],
        ["run", "--min-confidence", "mqtt://me:hush@porch"],
        ["run", "--protocol", "mqtt://me:hush@porch"],
        ["model", "me:hush@porch"],
    ],
)
def test_wrong_usage_is_not_repeated_where_it_may_be_secret(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    error = capsys.readouterr().err
    assert "hush" not in error
    assert "…" in error


@pytest.mark.parametrize(
    ("broker", "sentence"),
    [
        ("me:hush@host", "it looks like mqtt://user:password@host:port, mqtts://… or embedded"),
        ("mqtt://:hush@host", "write the broker as mqtt://USER@host"),
    ],
)
def test_our_own_examples_stay(broker: str, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["run", "--broker", broker])
    error = capsys.readouterr().err
    assert sentence in error
    assert "hush" not in error


def test_the_home_folder_is_known_by_its_sign_in_every_path() -> None:
    names = ("--bundle", "--config", "--state-dir", "--password-file", "--ca-file")
    args = vars(parser().parse_args(["run", *(f"{name}=~/x" for name in names)]))
    assert {args[name.strip("-").replace("-", "_")] for name in names} == {Path.home() / "x"}
    for command in (["model", "show"], ["build-engine"]):
        assert parser().parse_args([*command, "~/x"]).bundle == Path.home() / "x"


@pytest.mark.parametrize("module", ["argparse", "numpy", "cv2", "onnxruntime"])
def test_ctrl_c_in_the_midst_of_an_import_ends_it_at_once(module: str) -> None:
    command = [sys.executable, "-c", INTERRUPTED, module, "caption", str(PHOTOS[0])]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


INTERRUPTED = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
wanted = sys.argv.pop(1)
class Finder:
    def find_spec(name, *_):
        if name == wanted:
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Finder)
from edge_caption.commands.cli import main
sys.exit(main())
"""


def test_a_command_imports_itself_alone() -> None:
    """What other commands need would cost this one's cold start its time and memory."""
    script = """
import sys, msgspec  # on Python 3.10 it brings subprocess, by way of uuid and platform
before = {*sys.modules}
from edge_caption.commands.cli import parser
parser("caption")
others = {"ssl", "socket", "subprocess", "json", "edge_caption.mqtt.settings", "edge_caption.commands.run"}
print(*sorted(others & ({*sys.modules} - before)))
"""
    assert subprocess.check_output([sys.executable, "-c", script], text=True) == "\n"
