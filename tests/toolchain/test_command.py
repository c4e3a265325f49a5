from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge_caption.errors import ConfigError
from toolchain.command import run

KILLED = """
import os, signal, sys, tempfile
from toolchain.command import run
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs, as these tests may be, ignore it
before = signal.getsignal(signal.SIGTERM)
def work():
    with tempfile.TemporaryDirectory(dir=sys.argv[1]):
        os.kill(os.getpid(), int(sys.argv[2]))
        signal.pause()
try:
    code = run("export", work)
finally:
    assert signal.getsignal(signal.SIGTERM) == before
sys.exit(code)
"""
"""A process of its own: in a test's, a signal could end the tests."""


@pytest.mark.parametrize(
    ("number", "code", "said"), [(signal.SIGINT, 130, b"\nexport: stopped\n"), (signal.SIGTERM, 143, b"")]
)
def test_a_signal_ends_it_quietly_and_leaves_nothing(tmp_path: Path, number: int, code: int, said: bytes) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), str(int(number))], stderr=subprocess.PIPE, check=False
    )
    assert (done.returncode, done.stderr) == (code, said)
    assert not list(tmp_path.iterdir())


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
