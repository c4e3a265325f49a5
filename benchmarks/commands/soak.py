"""A node for hours."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.commands.options import register
from edge_caption.terminal.numbers import positive, rate


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = register(benchmarks, "soak", "a node for hours: memory, threads, descriptors, ages, losses", _measure)
    parser.add_argument("--hours", type=rate, default=1.0, help="(default: %(default)s)")
    parser.add_argument("--cameras", type=positive, default=4, help="(default: %(default)s)")
    parser.add_argument("--fps", type=rate, default=2.0, help="captions a second of each (default: %(default)s)")
    parser.add_argument("--outages", type=int, default=3, help="the broker goes so often (default: %(default)s)")


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks import soak

    return soak.measure(args.hours * 3600, args.cameras, args.fps, args.outages)
