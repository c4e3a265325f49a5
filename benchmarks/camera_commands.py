"""The benchmarks on network cameras. Their cameras are the tests', so they load only when they run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.report import report
from edge_caption.commands.model_options import positive
from edge_caption.commands.values import rate


def add_parser(benchmarks: Any) -> None:
    """Register the commands."""
    cameras = benchmarks.add_parser("cameras", help="one camera and four: age of frames, processor, one that hangs")
    cameras.add_argument("--bundle", type=Path, help="the bundle (default: the one that ships)")
    cameras.add_argument("--seconds", type=rate, default=40.0, help="of each measurement (default: %(default)s)")
    cameras.set_defaults(run=measure_cameras)
    recovery = benchmarks.add_parser("recovery", help="how soon a camera is back after each of its faults")
    recovery.add_argument("--rounds", type=positive, default=3)
    recovery.set_defaults(run=measure_recovery)
    for parser in (cameras, recovery):
        parser.add_argument("--save", action="store_true", help="also write it below benchmarks/results")


def measure_cameras(args: argparse.Namespace) -> int:
    """Measure and print; returns 0."""
    from benchmarks import cameras

    report("cameras", cameras.measure(args.bundle, args.seconds), save=args.save)
    return 0


def measure_recovery(args: argparse.Namespace) -> int:
    """Measure and print; returns 0."""
    from benchmarks import recovery

    report("recovery", recovery.measure(args.rounds), save=args.save)
    return 0
