"""Bytes of the wheel and the bundle."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.commands.options import add_bundle, register


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = register(benchmarks, "size", "bytes of the wheel and the bundle", _measure)
    add_bundle(parser)


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks import size

    return size.measure(args.bundle)
