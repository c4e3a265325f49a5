"""A question to the history of a million captions."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.commands.options import register
from edge_caption.terminal.numbers import positive


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = register(benchmarks, "history", "a question to the history of a million captions", _measure)
    parser.add_argument("--captions", type=positive, default=1_000_000)
    parser.add_argument("--rounds", type=positive, default=20)


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks import history

    return history.measure(args.captions, args.rounds)
