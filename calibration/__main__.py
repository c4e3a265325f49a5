"""`python -m calibration`: fp32 graphs and photos -> calibration.json."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track

from calibration.calibrate import calibrate
from calibration.graphs import load_graphs
from calibration.ranges import METHODS
from calibration.sampling import find_photos, sample
from edge_caption.terminal.numbers import positive
from toolchain import command
from toolchain.output import check_file, write_file


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = _parser().parse_args(argv)
    return command.run("calibration", lambda: _calibrate(args))


def _calibrate(args: argparse.Namespace) -> int:
    check_file(args.out)
    encoder, decoder = load_graphs(args.graphs)
    photos = find_photos(args.photos)
    table = calibrate(encoder, decoder, sample(photos, args.count), args.method, _bar)
    write_file(table.encode(), args.out)
    ranges = sum(len(of) for of in table.ranges.values())
    print(f"{args.out}: {ranges} ranges, {table.method} over {table.photos} photos")
    return 0


def _bar(photos: Iterable[Path], what: str) -> Iterable[Path]:
    return track(list(photos), description=what, console=Console(stderr=True))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m calibration", description="Find the ranges of a captioner's activations."
    )
    add = parser.add_argument
    add("graphs", type=Path, help="a bundle that holds the flavour fp32")
    add("--photos", type=Path, required=True, help="a folder of photos, or a text file that names one a line")
    add("--out", type=Path, default=Path("calibration.json"), help="the table's file (default: %(default)s)")
    add(
        "--method",
        choices=tuple(METHODS),
        default="percentile",
        help="how ranges are chosen (default: %(default)s)",
    )
    add("--count", type=positive, default=200, help="of the photos, spread over all (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
