"""How well captions and the model serve those who look for something."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.commands.options import add_bundle, add_data, add_flavour, photos, register

ABOUT = "finding a photo by a sentence: recall at 1, 5 and 10, beside full-text search on captions"


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = register(benchmarks, "find", ABOUT, _measure)
    add_bundle(parser)
    add_data(parser)
    add_flavour(parser)


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks import find

    return {"split": args.split, **find.measure(args.bundle, args.flavour, photos(args))}
