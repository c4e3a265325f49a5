"""Calibration's highest resident memory, which shall not grow with the photos."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge_caption.errors import ConfigError


def measure(bundle: Path, photos: Path, counts: Sequence[int], method: str) -> dict[str, Any]:
    """Run `python -m calibration` on so many of the photos, once for each count.

    Args:
        bundle: one that holds fp32.

    Raises:
        ConfigError: a run failed; it says why itself.
    """
    return {
        "method": method,
        "peak_rss_mb": {str(count): round(_run(bundle, photos, count, method), 1) for count in counts},
    }


def _run(bundle: Path, photos: Path, count: int, method: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "calibration.json"
        command = [sys.executable, "-m", "calibration", str(bundle), "--photos", str(photos), "--count", str(count)]
        process = subprocess.Popen([*command, "--method", method, "--out", str(out)], stdout=sys.stderr)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise ConfigError(f"calibrating on {count} photos ended with {process.returncode}; see above why")
        return used.ru_maxrss * 1024 / 1e6
