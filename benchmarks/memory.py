"""The whole `edge-caption run` process: its highest resident memory, and the time to its first caption."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from edge_caption.errors import ConfigError

PHOTOS = Path(__file__).parent.parent / "edge_caption" / "demo" / "photos"

PACE = 5
"""Captions a second."""


def measure(bundle: Path | None, backend: str, captions: int, runs: int) -> dict[str, Any]:
    """Start the process several times on the shipped photos with a broker that is not there.

    Captions are committed to the outbox as ever, so the memory is that of the whole path but the broker's answers.

    Raises:
        ConfigError: a run failed; its own sentence.
    """
    measured = [_run(bundle, backend, captions) for _ in range(runs)]
    first, peak = zip(*measured, strict=True)
    return {
        "backend": backend,
        "runs": runs,
        "captions": captions,
        "first_caption_s": {"median": round(statistics.median(first), 3), "worst": round(max(first), 3)},
        "peak_rss_mb": {"median": round(statistics.median(peak), 1), "worst": round(max(peak), 1)},
    }


def _run(bundle: Path | None, backend: str, captions: int) -> tuple[float, float]:
    """Return seconds to the first caption and the peak resident memory in MB (10^6 bytes)."""
    with tempfile.TemporaryDirectory() as state, tempfile.TemporaryFile("w+") as log:
        command = [sys.executable, "-m", "edge_caption", "run", "--source", str(PHOTOS), "--loop", "--fps", str(PACE)]
        command += ["--state-dir", state, "--node", "benchmark", "--broker", "mqtt://127.0.0.1:9"]
        command += ["--backend", backend, *(["--bundle", str(bundle)] if bundle else [])]
        started = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process:
            assert process.stdout
            process.stdout.readline()
            first = time.perf_counter() - started
            for _ in range(captions - 1):
                process.stdout.readline()
            os.kill(process.pid, signal.SIGTERM)  # Popen's own would take the exit code, and with it the peak
            code, peak = wait(process)
        if code:
            log.seek(0)
            *_, last = log.read().splitlines() or [f"edge-caption run ended with {code}; run it by hand to see why"]
            raise ConfigError(last.removeprefix("edge-caption: error: "))
        return first, peak


def wait(process: subprocess.Popen[Any]) -> tuple[int, float]:
    """Wait for a process; returns its exit code and its peak resident memory in MB (10^6 bytes)."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, used.ru_maxrss * 1024 / 1e6
