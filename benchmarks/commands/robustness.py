"""Scores of corrupted and attacked pictures."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.commands.options import add_bundle, add_data, add_flavour, photos, register


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = register(benchmarks, "robustness", "CIDEr and BLEU-4 of corrupted and of attacked pictures", _measure)
    add_bundle(parser)
    add_data(parser)
    add_flavour(parser)
    parser.add_argument("--checkpoint", type=Path, help="what the bundle was made from, to be attacked (FGSM, PGD)")


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks import robustness

    return {"split": args.split, **robustness.measure(args.bundle, args.flavour, photos(args), args.checkpoint)}
