"""One camera and four: ages, processor, and one that hangs."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.commands.options import add_bundle, register
from edge_caption.terminal.numbers import rate


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    about = "one camera and four: age of frames, processor, one that hangs"
    parser = register(benchmarks, "cameras", about, _measure)
    add_bundle(parser)
    parser.add_argument("--seconds", type=rate, default=40.0, help="of each measurement (default: %(default)s)")


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks import cameras

    return cameras.measure(args.bundle, args.seconds)
