"""What the processor could do."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.commands.options import add_bundle, add_flavour, register
from edge_caption.terminal.numbers import positive


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = register(
        benchmarks, "roofline", "the encoder's time by kind of node, and what the processor can do", _measure
    )
    add_bundle(parser)
    add_flavour(parser)
    parser.add_argument("--rounds", type=positive, default=40)


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks import roofline

    return roofline.measure(args.bundle, args.flavour, args.rounds)
