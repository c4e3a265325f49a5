"""Scores of captions."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.commands.options import add_backend, add_bundle, add_data, captions, load, register
from edge_caption.terminal.numbers import positive, share

if TYPE_CHECKING:
    from training.data.load import CaptionFile


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = register(benchmarks, "quality", "coco-caption scores with intervals, and diversity", _measure)
    add_bundle(parser)
    add_data(parser)
    add_backend(parser)
    parser.add_argument(
        "--also",
        nargs=2,
        action="append",
        default=[],
        metavar=("CAPTIONS", "PHOTOS"),
        help="a further set, scored by itself, with document frequencies of its own; may be given several times",
    )
    for option in ("--specific", "--sure"):
        parser.add_argument(option, type=share, metavar="N", help="0 to 1 (default: the bundle's)")
    parser.add_argument("--flavours", default="cpu-x86", help="with commas (default: %(default)s)")
    parser.add_argument("--beams", type=positive, nargs="+", default=[1, 3])


def _measure(args: argparse.Namespace) -> dict[str, object]:
    """Measure the set that the options name, and those beside it, each by itself."""
    also = {file: _of_set(captions(file), Path(folder), args) for file, folder in args.also}
    figures = _of_set(args.captions, args.photos, args)
    return {"split": args.split, **figures, **({"also": also} if also else {})}


def _of_set(file: CaptionFile, folder: Path, args: argparse.Namespace) -> dict[str, object]:
    from benchmarks import quality

    some, trained_on = load(file, folder, args), quality.training_sentences(file)
    flavours = args.flavours.split(",")
    return quality.measure(args.bundle, flavours, args.backend, args.beams, some, trained_on, args.specific, args.sure)
