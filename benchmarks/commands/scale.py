"""More and more cameras, a backlog, larger bundles."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.commands.options import add_bundles, register
from edge_caption.terminal.numbers import positive, rate


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    about = "cameras on one node, draining a backlog, memory over bundle size"
    parser = register(benchmarks, "scale", about, _measure)
    add_bundles(parser)
    parser.add_argument("--cameras", type=positive, nargs="+", default=[1, 2, 4, 8, 16], metavar="N")
    parser.add_argument("--fps", type=rate, default=5.0, help="captions a second of each (default: %(default)s)")
    parser.add_argument("--seconds", type=rate, default=8.0, help="of each number (default: %(default)s)")
    parser.add_argument("--backlog", type=positive, nargs="+", default=[1000, 10_000], metavar="N")


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks import scale

    return scale.measure(args.bundle, scale.Extent(args.cameras, args.fps, args.seconds, args.backlog))
