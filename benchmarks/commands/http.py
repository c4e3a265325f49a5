"""What HTTP adds to a caption."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.commands.options import add_bundle, register
from edge_caption.terminal.numbers import positive


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    about = "what HTTP adds to a caption, 32 clients, bad uploads"
    parser = register(benchmarks, "http", about, _measure)
    add_bundle(parser)
    parser.add_argument("--requests", type=positive, default=500, help="of one client (default: %(default)s)")
    parser.add_argument("--bad", type=positive, default=2000, help="bad uploads (default: %(default)s)")


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks import http

    return http.measure(args.bundle, args.requests, args.bad)
