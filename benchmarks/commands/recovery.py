"""How soon a camera is back."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.commands.options import register
from edge_caption.terminal.numbers import positive


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = register(benchmarks, "recovery", "how soon a camera is back after each of its faults", _measure)
    parser.add_argument("--rounds", type=positive, default=3)


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks import recovery

    return recovery.measure(args.rounds)
