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
from calibration.photos import find_photos, sample
from calibration.ranges import METHODS
from edge_caption.errors import ConfigError, EdgeCaptionError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = _parser().parse_args(argv)
    try:
        return _calibrate(args)
    except EdgeCaptionError as error:
        print(f"calibration: error: {error}", file=sys.stderr)
        return 1


def _calibrate(args: argparse.Namespace) -> int:
    encoder, decoder = load_graphs(args.graphs)
    photos = find_photos(args.photos)
    table = calibrate(encoder, decoder, sample(photos, args.count), args.method, _bar)
    partial = args.out.with_name(f"{args.out.name}.partial")
    try:
        partial.write_bytes(table.encode())
        partial.replace(args.out)
    except OSError as error:
        raise ConfigError(f"{args.out} can't be written ({error.strerror}); choose another --out") from error
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
    add("--count", type=int, default=200, help="of the photos, spread over all (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
