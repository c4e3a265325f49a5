"""What the page costs."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.commands.options import add_bundle, register
from edge_caption.terminal.numbers import positive


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    about = "how soon the page shows a picture in Chromium, and its processor time while nobody looks"
    parser = register(benchmarks, "page", about, _measure)
    parser.add_argument("--seconds", type=positive, default=30, help="of each measurement (default: %(default)s)")
    parser.add_argument("--opens", type=positive, default=10, help="of the page in a browser (default: %(default)s)")
    add_bundle(parser)


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks import page

    return page.measure(("--bundle", args.bundle) if args.bundle else (), args.seconds, args.opens)
