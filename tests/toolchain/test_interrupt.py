"""Ctrl-C while a program imports; a module that sends it stands where PyTorch, ONNX and numpy are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

SENDS = """
import os, signal, time
os.kill(os.getpid(), signal.SIGINT)
time.sleep(10)
"""


@pytest.mark.parametrize(
    "program", ["training", "training.teach", "export", "export.sensitivity", "calibration", "benchmarks"]
)
def test_ctrl_c_while_it_imports_is_one_line(tmp_path: Path, program: str) -> None:
    for name in ("torch", "onnx", "numpy"):
        (tmp_path / f"{name}.py").write_text(SENDS)
    ended = interrupted(["-m", program], tmp_path)
    assert (ended.returncode, ended.stderr) == (130, b"\nstopped before it began\n")


def test_a_command_that_works_is_asked_to_end_as_ever(tmp_path: Path) -> None:
    script = (
        "import signal; from toolchain import command, interrupt; signal.signal(signal.SIGINT, interrupt._end); "
        "command.run('export', lambda: print(signal.getsignal(signal.SIGINT)))"
    )
    assert b"default_int_handler" in interrupted(["-c", script], tmp_path).stdout


def interrupted(arguments: list[str], first: Path) -> subprocess.CompletedProcess[bytes]:
    """Run Python with a folder's modules before all others; a Ctrl-C is not ignored, as a shell's jobs do."""
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(first), str(ROOT)))},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        capture_output=True,
        check=False,
    )
