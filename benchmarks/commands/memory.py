"""Peak memory and cold start of the runtime."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.commands.options import add_backend, add_bundle, register
from edge_caption.terminal.numbers import positive


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = register(benchmarks, "memory", "peak memory and cold start of `edge-caption run`", _measure)
    add_bundle(parser)
    add_backend(parser)
    parser.add_argument("--captions", type=positive, default=50)
    parser.add_argument("--runs", type=positive, default=5)


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks import memory

    return memory.measure(args.bundle, args.backend, args.captions, args.runs)
