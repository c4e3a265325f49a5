"""scripts/benchmarks names benchmarks and options that exist, and takes no more time than it says."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from benchmarks.__main__ import _parser

SCRIPT = Path(__file__).parents[2] / "scripts" / "benchmarks"

CALL = re.compile(r"^ +(measure|each) (\d+) (.+)$", re.MULTILINE)

DATA = "--captions captions.csv --photos photos"


@pytest.mark.parametrize("call", CALL.findall(SCRIPT.read_text("utf-8")), ids=lambda call: call[2])
def test_every_line_is_a_command(call: tuple[str, str, str]) -> None:
    how, minutes, arguments = call
    given = shlex.split(arguments.replace("$flickr8k", DATA)) + (["--bundle", "accurate"] if how == "each" else [])
    assert _parser().parse_args([*given, "--save"]).save
    assert 1 <= int(minutes) <= 30


def test_an_unknown_word_is_refused() -> None:
    done = subprocess.run([SCRIPT, "all"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "scripts/benchmarks: all is none of: short, long, quick\n"
