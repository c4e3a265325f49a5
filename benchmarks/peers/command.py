"""`python -m benchmarks peers`."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.peers.registry import PEERS
from benchmarks.report import report
from edge_caption.terminal.numbers import positive


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = benchmarks.add_parser(
        "peers", help="other captioners of the same frames: time, memory, size (pip install --group peers)"
    )
    parser.add_argument("--only", nargs="+", choices=PEERS, default=list(PEERS), metavar="NAME", help=", ".join(PEERS))
    parser.add_argument("--rounds", type=positive, default=5)
    parser.add_argument("--threads", type=positive, default=2)
    parser.add_argument("--save", action="store_true", help="also write benchmarks/results/peers.json, and a plot")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure and print; returns 0."""
    from benchmarks.peers.measure import measure

    report("peers", measure(args.only, args.rounds, args.threads), save=args.save)
    return 0
