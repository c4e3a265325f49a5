"""What annotate makes of all cores."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.commands.options import register
from edge_caption.terminal.numbers import positive


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = register(benchmarks, "annotation", "annotate's rate against (cores x one thread's rate)", _measure)
    parser.add_argument("photos", type=Path, help="a folder of them")
    parser.add_argument("--count", type=positive, default=2000, help="photos of it (default: %(default)s)")
    parser.add_argument("--rounds", type=positive, default=3, help="(default: %(default)s)")


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks import annotation

    return annotation.measure(args.photos, args.count, args.rounds)
