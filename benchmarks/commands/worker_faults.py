"""Workers and a broker that are killed at random."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.commands.options import add_bundle, register
from edge_caption.commands.values import path
from edge_caption.demo.panning import PHOTOS
from edge_caption.terminal.numbers import positive


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    about = "photos asked of three workers while workers and broker are killed at random: lost must be 0"
    parser = register(benchmarks, "worker-faults", about, _measure)
    add_bundle(parser)
    parser.add_argument("--photos", type=path, default=PHOTOS, metavar="FOLDER", help="(default: those that ship)")
    parser.add_argument("--schedules", type=positive, default=20, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--seed", type=positive, default=1, metavar="N", help="of the first (default: %(default)s)")
    parser.add_argument("--count", type=positive, default=150, help="photos a schedule (default: %(default)s)")


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks import worker_faults

    return worker_faults.measure(args.schedules, args.seed, args.count, args.bundle, args.photos)
