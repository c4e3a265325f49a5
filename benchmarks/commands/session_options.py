"""Settings of ONNX Runtime that could make the encoder faster."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.commands.options import add_bundle, register
from edge_caption.terminal.numbers import positive


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = register(benchmarks, "options", "settings of ONNX Runtime beside those that ship", _measure)
    add_bundle(parser)
    parser.add_argument("--rounds", type=positive, default=60)
    parser.add_argument("--threads", type=positive, default=1)


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks import options

    return options.measure(args.bundle, args.rounds, args.threads)
