"""`python -m benchmarks engines`."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.report import report
from edge_caption.terminal.numbers import positive


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = benchmarks.add_parser(
        "engines", help="the shipped graphs in OpenVINO, LiteRT, MNN, ncnn (pip install --group engines)"
    )
    parser.add_argument("--rounds", type=positive, default=40)
    parser.add_argument("--threads", type=positive, default=1)
    parser.add_argument("--save", action="store_true", help="also write benchmarks/results/engines.json")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure and print; returns 0."""
    from benchmarks.engines.measure import measure

    report("engines", measure(args.rounds, args.threads), save=args.save)
    return 0
