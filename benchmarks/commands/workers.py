"""Photos a second by several workers of one broker, against one."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.commands.options import add_bundle, register
from edge_caption.commands.values import path
from edge_caption.demo.panning import PHOTOS
from edge_caption.terminal.numbers import positive


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = register(benchmarks, "workers", "photos a second by 1, 2, 3 workers of one broker, against one", _measure)
    add_bundle(parser)
    parser.add_argument("--photos", type=path, default=PHOTOS, metavar="FOLDER", help="(default: those that ship)")
    parser.add_argument("--workers", type=positive, nargs="+", default=[1, 2, 3], metavar="N")
    parser.add_argument("--count", type=positive, default=300, help="photos a round (default: %(default)s)")
    parser.add_argument("--rounds", type=positive, default=3, help="(default: %(default)s)")


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks import workers

    return workers.measure(args.photos, args.workers, args.count, args.rounds, args.bundle)
