"""What each setting of a training recipe is worth."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.commands.options import captions, register
from edge_caption.terminal.numbers import positive


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = register(benchmarks, "levers", "what each setting of a training recipe is worth, over seeds", _measure)
    parser.add_argument("recipe", type=Path, help="e.g. training/recipes/levers.toml")
    parser.add_argument("--captions", type=captions, nargs="+", required=True, metavar="FILE", help="as for training")
    people = "without captioners' sentences, where --captions has some; a lever, too"
    parser.add_argument("--people", type=captions, nargs="+", default=(), metavar="FILE", help=people)
    own = "where dev is in files of its own, as in COCO"
    parser.add_argument("--dev-captions", type=captions, nargs="+", default=(), metavar="FILE", help=own)
    parser.add_argument("--photos", type=Path, required=True, help="the folder of the photos")
    parser.add_argument("--weights", type=Path, help="the backbone's, as for training")
    parser.add_argument("--seeds", type=positive, default=3, help="runs of each (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("runs/levers"), help="keeps what was trained, to go on with")


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks import levers

    source = levers.Source(args.captions, args.photos, args.people, args.dev_captions)
    return levers.measure(args.recipe, source, args.weights, args.out, args.seeds)
