"""A computer whose power fails, whose disk is full and whose clock jumps."""

from __future__ import annotations

import os
import resource
import shutil
import struct
import subprocess
from pathlib import Path

from edge_caption.errors import ConfigError

SOURCE = Path(__file__).with_name("machine.c")

FILES = ("outbox.db", "outbox.db-wal", "outbox.db-shm", "outbox.reserve")


class Machine:
    """What one program runs on. Its outbox lies in `folder`."""

    def __init__(self, folder: Path) -> None:
        """Prepare it.

        Raises:
            ConfigError: there is no C compiler.
        """
        self._folder = folder
        self._kept = folder / "kept"
        self._kept.mkdir()
        self._clock = folder / "clock"
        self.set_clock(0.0)
        library = _build(folder)
        self.environment = {
            **os.environ,
            "LD_PRELOAD": str(library),
            "FAULTS_KEPT": str(self._kept),
            "FAULTS_CLOCK": str(self._clock),
        }

    def cut_power(self) -> None:
        """Leave what was synced of the outbox's files, and nothing else; the program has been killed."""
        for name in FILES:
            (self._folder / name).unlink(missing_ok=True)
            if (self._kept / name).exists():
                shutil.copy(self._kept / name, self._folder / name)

    def set_clock(self, seconds: float) -> None:
        """Let the wall clock be wrong by so much from now on; clocks that only run forward are right."""
        with self._clock.open("r+b" if self._clock.exists() else "wb") as file:
            file.write(struct.pack("d", seconds))

    def fill_disk(self, pid: int) -> None:
        """Let none of the program's files grow: a file that ends behind the outbox's is refused to it."""
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))

    def empty_disk(self, pid: int) -> None:
        """Let them grow again."""
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _build(folder: Path) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        raise ConfigError("power cuts and clocks need a C compiler (Debian: apt-get install gcc)")
    library = folder / "machine.so"
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
    return library
