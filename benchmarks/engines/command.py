"""`python -m benchmarks engines`."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.commands.options import add_bundle, register
from edge_caption.terminal.numbers import positive


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    about = "the shipped graphs in OpenVINO, LiteRT, MNN, ncnn (pip install --group engines)"
    parser = register(benchmarks, "engines", about, _measure)
    add_bundle(parser)
    parser.add_argument("--rounds", type=positive, default=40)
    parser.add_argument("--threads", type=positive, default=1)


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks.engines.measure import measure

    return measure(args.bundle, args.rounds, args.threads)
