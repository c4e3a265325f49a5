"""How long a frame takes."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.commands.options import add_bundles, register
from edge_caption.terminal.numbers import positive


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = register(
        benchmarks, "latency", "frame -> sentence: INT8 on each installed backend, fp32, PyTorch eager", _measure
    )
    add_bundles(parser)
    parser.add_argument("--rounds", type=positive, default=40)
    parser.add_argument("--threads", type=positive, default=1)


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks import latency

    return latency.measure(args.bundle, args.rounds, args.threads)
