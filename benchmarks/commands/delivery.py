"""From a caption to the broker, and a backlog."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.commands.options import register
from edge_caption.terminal.numbers import positive, rate


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    about = "what publishing a caption takes, and how fast, in what order and in how much memory a backlog drains"
    parser = register(benchmarks, "delivery", about, _measure)
    parser.add_argument("--captions", type=positive, default=3000, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--fps", type=rate, default=100.0, help="captions a second, about (default: %(default)s)")
    parser.add_argument("--backlog", type=positive, default=100_000, metavar="N", help="(default: %(default)s)")


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks import delivery

    return delivery.measure(args.captions, 1 / args.fps, args.backlog)
