"""Peak memory of the calibration."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.commands.options import register
from edge_caption.terminal.numbers import positive


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = register(benchmarks, "calibration-memory", "peak memory of `python -m calibration`", _measure)
    parser.add_argument("--bundle", type=Path, required=True, help="one that holds fp32")
    parser.add_argument("--photos", type=Path, required=True, help="a folder, or a text file that names one a line")
    parser.add_argument("--counts", type=positive, nargs="+", default=[100, 2000])
    parser.add_argument("--method", default="percentile", help="as of python -m calibration (default: %(default)s)")


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks import calibration_memory

    return calibration_memory.measure(args.bundle, args.photos, args.counts, args.method)
