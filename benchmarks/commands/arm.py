"""Whether emulated Arm processors say what this machine says."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.commands.options import add_bundle, add_data, photos, register


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = register(benchmarks, "arm", "do emulated Arm processors say what this machine says?", _measure)
    add_bundle(parser)
    add_data(parser)
    parser.add_argument("--cpus", nargs="+", default=["cortex-a76"], help="as of scripts/arm (default: %(default)s)")


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks import arm

    figures = arm.measure(args.bundle, [photo.file for photo in photos(args)], args.cpus)
    return {"split": args.split, **figures}
