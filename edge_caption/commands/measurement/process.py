"""`edge-caption run` as a process of its own, watched from outside."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from edge_caption.errors import ConfigError
from edge_caption.node.identity import outbox_path
from edge_caption.outbox import Outbox

NOBODY = "mqtt://127.0.0.1:9"
"""A broker that is not there: captions are committed to disk as ever, and nothing leaves the computer."""

NODE = "bench"

SILENCE_S = 120.0
"""From one caption to the next, or the process hangs."""

TICKS = os.sysconf("SC_CLK_TCK")


class NodeProcess:
    """A running node, and the captions that it printed."""

    def __init__(self, process: subprocess.Popen[str], started: float, state: Path, log: IO[str]) -> None:
        """Take the process; its output is read in a thread."""
        self._process, self._started, self._log = process, started, log
        self.state = state
        self._lines: list[float] = []
        """When each caption was printed, monotonic seconds."""
        self._ended = False
        self._changed = threading.Condition()
        self._silent = False
        """Whether it prints no more."""
        self._reader = threading.Thread(target=self._read, name="reader", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def first_caption_s(self) -> float:
        """Return the seconds from the process's start to its first caption.

        Raises:
            ConfigError: it ended without one; its own sentence.
        """
        return self.wait_for(1) - self._started

    def wait_for(self, captions: int) -> float:
        """Wait for so many captions; returns when the last of them came, in monotonic seconds.

        Raises:
            ConfigError: the process ended before; its own sentence. Or it is silent.
        """
        with self._changed:
            while len(self._lines) < captions and not self._ended:
                if not self._changed.wait(SILENCE_S):
                    raise ConfigError(f"edge-caption run says nothing for {SILENCE_S:g} s; run it by hand to see why")
            if len(self._lines) < captions:
                raise ConfigError(self._complaint())
            return self._lines[captions - 1]

    @property
    def captions(self) -> int:
        """How many it printed so far."""
        return len(self._lines)

    def cpu_s(self) -> float:
        """Return the processor time that it used so far, in seconds."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def end(self) -> float:
        """End it; returns its highest resident memory in MB (10^6 bytes).

        Raises:
            ConfigError: it failed; its own sentence.
        """
        peak = peak_mb(self.pid)
        self._process.terminate()
        code = self._process.wait()
        self._reader.join(5)
        if code:
            raise ConfigError(self._complaint())
        return peak

    def ages_ms(self) -> list[float]:
        """Return the age of each caption that it committed; after its end."""
        outbox = Outbox(outbox_path(self.state, NODE))
        try:
            records = [msgspec.json.decode(message.payload) for message in outbox.pending()]
            return [record["age_ms"] for record in records if "age_ms" in record]  # events of cameras have none
        finally:
            outbox.close()

    def _read(self) -> None:
        assert self._process.stdout
        for _ in self._process.stdout:
            with self._changed:
                self._lines.append(time.perf_counter())
                self._changed.notify()
        with self._changed:
            self._ended = True
            self._changed.notify()

    def _complaint(self) -> str:
        self._process.wait()
        self._log.seek(0)
        *_, last = self._log.read().splitlines() or ["edge-caption run ended without a caption; run it by hand"]
        return last.removeprefix("edge-caption: error: ")


def peak_mb(process: int | str = "self") -> float:
    """Return the highest resident memory of a process so far, in MB (10^6 bytes); 0 where the system does not tell.

    Not what `wait4` tells: that counts the memory of the parent, which a child shares until it is a program of its own.
    """
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM")), 0.0)


@contextmanager
def running(
    sources: Sequence[str], fps: float, model: Sequence[str] = (), broker: str = NOBODY
) -> Iterator[NodeProcess]:
    """Run a node until the block ends.

    Args:
        sources: as after `--source`.
        fps: captions a second of each.
        model: options that choose the model.
        broker: as after `--broker`.
    """
    command = [sys.executable, "-m", "edge_caption", "run", "--loop", "--fps", f"{fps:g}", "--node", NODE, *model]
    for source in sources:
        command += ["--source", source]
    with tempfile.TemporaryDirectory(prefix="edge-caption-bench-") as state, tempfile.TemporaryFile("w+") as log:
        command += ["--state-dir", state, "--broker", broker]
        started = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process:
            try:
                yield NodeProcess(process, started, Path(state), log)
            finally:
                if process.returncode is None:
                    process.kill()
