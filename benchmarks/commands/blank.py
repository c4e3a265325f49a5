"""How many real photos pass for pictures that show nothing."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.commands.options import add_data, photos, register


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = register(benchmarks, "blank", "real photos that pass for pictures that show nothing", _measure)
    add_data(parser)


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks import blank

    return {"split": args.split, **blank.measure([photo.file for photo in photos(args)])}
