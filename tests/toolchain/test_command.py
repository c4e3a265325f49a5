from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from edge_caption.errors import ConfigError
from toolchain.command import run


def kill_within(folder: Path, number: int) -> int:
    with tempfile.TemporaryDirectory(dir=folder):
        os.kill(os.getpid(), number)
        signal.pause()
    return 0


def test_ctrl_c_ends_quietly_and_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # A shell's background jobs, as these tests may be, ignore SIGINT.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert run("export", lambda: kill_within(tmp_path, signal.SIGINT)) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().err == ""
    assert not list(tmp_path.iterdir())


def test_sigterm_leaves_nothing_either(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit, match="143"):
        run("export", lambda: kill_within(tmp_path, signal.SIGTERM))
    assert not list(tmp_path.iterdir())
    assert signal.getsignal(signal.SIGTERM) == before


def test_an_error_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> int:
        raise ConfigError("this is wrong; do that")

    assert run("export", work) == 1
    assert capsys.readouterr().err == "export: error: this is wrong; do that\n"


def test_an_output_that_nobody_reads_any_more_ends_it_without_a_word() -> None:
    script = "import sys; from toolchain.command import run; sys.exit(run('export', lambda: print('x' * 9)))"
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as nobody:
        done = subprocess.run([sys.executable, "-c", script], stdout=nobody, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_full_disk_behind_a_file_is_not_blamed_on_the_output() -> None:
    script = (
        "import pathlib, sys; from toolchain.command import run; "
        "sys.exit(run('export', lambda: pathlib.Path('/dev/full').write_text('x')))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    sentence = "export: error: a file can't be used (No space left on device); choose another\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", sentence)
