"""CIDEr of each dev set beside milliseconds and bytes."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.commands.options import add_bundles, register
from edge_caption.terminal.numbers import positive


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = register(benchmarks, "pareto", "quality beside cost, over bundles, flavours and beams", _measure)
    add_bundles(parser)
    parser.add_argument(
        "--data",
        nargs=3,
        action="append",
        required=True,
        metavar=("NAME", "CAPTIONS", "PHOTOS"),
        help="a dev set: what to call it, its caption file and its photos' folder; once for each",
    )
    parser.add_argument("--flavours", nargs="+", metavar="NAME", help="(default: all that a bundle has for processors)")
    parser.add_argument("--beams", type=positive, nargs="+", default=[1, 3], metavar="N")
    parser.add_argument("--rounds", type=positive, default=20, help="of timing (default: %(default)s)")
    parser.add_argument("--limit", type=positive, metavar="N", help="only the first so many photos, to try it out")


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks import pareto

    extent = pareto.Extent(args.flavours, args.beams, args.rounds, args.limit)
    return pareto.measure(args.bundle, args.data, extent)
