"""`python -m benchmarks peers`."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.commands.options import add_bundles, register
from benchmarks.peers.registry import OTHERS, WAYS
from edge_caption.terminal.numbers import positive


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    about = "other captioners of the same frames: time, memory, size, energy (pip install --group peers)"
    parser = register(benchmarks, "peers", about, _measure)
    add_bundles(parser)
    names = [*WAYS, *OTHERS]
    about = f"beside the bundles: {', '.join(names)}"
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME", help=about)
    parser.add_argument("--rounds", type=positive, default=5)
    parser.add_argument("--threads", type=positive, default=2)


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks.peers.measure import measure

    return measure(args.bundle, args.only, args.rounds, args.threads)
