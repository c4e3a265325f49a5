"""Joules that the processor's package takes, by RAPL's counter; readable for root only on many systems."""

from __future__ import annotations

from pathlib import Path

COUNTER = Path("/sys/class/powercap/intel-rapl:0/energy_uj")
"""Of Intel's and AMD's; in microjoules, and begins again when it is full."""


def joules(counter: Path = COUNTER) -> float | None:
    """Return the counter, or None where it can't be read."""
    try:
        return int(counter.read_text()) / 1e6
    except (OSError, ValueError):
        return None


def spent(before: float | None, after: float | None) -> float | None:
    """Return the joules between two readings, or None where one is missing or the counter began again."""
    return None if before is None or after is None or after < before else after - before
