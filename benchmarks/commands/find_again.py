"""A further question over many photos."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.commands.options import add_bundle, register
from edge_caption.commands.values import path
from edge_caption.terminal.numbers import positive


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    about = "what a further question to edge-caption find takes, over 10,000 photos"
    parser = register(benchmarks, "find-again", about, _measure)
    add_bundle(parser)
    parser.add_argument("--photos", type=path, required=True, metavar="FOLDER", help="where too few, they come again")
    parser.add_argument("--count", type=positive, default=10_000, help="photos (default: %(default)s)")


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks import find_again

    return find_again.measure(args.photos, args.count, args.bundle)
