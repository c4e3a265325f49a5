"""What a benchmark found, with the machine it was found on."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from edge_caption.commands.measurement.machine import PACKAGES as RUNTIME
from edge_caption.commands.measurement.machine import describe
from edge_caption.files import write_whole

RESULTS = Path(__file__).parent / "results"

PACKAGES = (*RUNTIME, "torch")


def report(name: str, figures: dict[str, Any], *, save: bool, file: str = "") -> None:
    """Print the figures as JSON; with `save`, also write them to benchmarks/results/, with a plot.

    Args:
        name: of the benchmark.
        figures: what it found.
        save: whether to write a file.
        file: its name, if not the benchmark's.
    """
    text = as_json({"benchmark": name, "machine": to_builtins(describe(PACKAGES)), **figures})
    print(text)
    if save:
        path = RESULTS / f"{file or name}.json"
        write_whole(path, f"{text}\n".encode())
        from benchmarks.plots import plot

        plot(path)


def as_json(figures: dict[str, Any]) -> str:
    """Return indented JSON in which a list of numbers takes one line."""
    text = json.dumps(figures, indent=2)
    return re.sub(r"\[[-+.\deE,\s]+\]", lambda numbers: f"[{' '.join(numbers[0][1:-1].split())}]", text)
