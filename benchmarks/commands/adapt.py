"""Whether adapting a bundle helps on photos that it did not see."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.commands.options import captions, register
from edge_caption.terminal.numbers import positive


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = register(benchmarks, "adapt", "does adapting to photos of one kind help on others of that kind?", _measure)
    parser.add_argument("recipe", type=Path, help="e.g. training/recipes/adapt.toml")
    parser.add_argument("--bundle", type=Path, required=True, help="what is adapted")
    parser.add_argument("--captions", type=captions, required=True, metavar="FILE", help="of photos of the kind")
    parser.add_argument("--photos", type=Path, required=True, help="the folder of the photos")
    parser.add_argument("--words", default="", metavar="REGEX", help="only photos a sentence of which it is found in")
    old = "also with as many of these photos mixed in"
    parser.add_argument("--old", nargs=2, metavar=("CAPTIONS", "PHOTOS"), help=old)
    parser.add_argument("--sizes", type=positive, nargs="+", default=[100, 300, 1000], help="(default: 100 300 1000)")
    parser.add_argument("--seeds", type=positive, default=3, help="runs of each (default: %(default)s)")
    keeps = "keeps the runs, to go on with"
    parser.add_argument("--out", type=Path, default=Path("runs/adapt-study"), help=keeps)


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks import adapt

    old = (captions(args.old[0]), Path(args.old[1])) if args.old else None
    kind = adapt.Kind(args.captions, args.photos, args.words, old)
    return adapt.measure(args.recipe, args.bundle, kind, args.sizes, args.seeds, args.out)
