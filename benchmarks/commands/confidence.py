"""Whether confidence is the share that is right."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.commands.options import add_bundle, add_data, add_flavour, photos, register
from edge_caption.terminal.numbers import positive


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = register(benchmarks, "confidence", "is confidence the share that is right?", _measure)
    add_bundle(parser)
    add_data(parser)
    add_flavour(parser)
    parser.add_argument("--beams", type=positive, nargs="+", default=[1, 3])


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks import reliability

    return {"split": args.split, **reliability.measure(args.bundle, args.flavour, args.beams, photos(args))}
