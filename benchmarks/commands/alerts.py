"""How well captions and the model serve those who look for something."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.commands.options import add_bundle, add_data, add_flavour, photos, register

ABOUT = "precision and recall of alerts in words, beside the model's likelihood of the same words"


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = register(benchmarks, "alerts", ABOUT, _measure)
    add_bundle(parser)
    add_data(parser)
    add_flavour(parser)


def _measure(args: argparse.Namespace) -> dict[str, object]:
    from benchmarks import alerts

    return {"split": args.split, **alerts.measure(args.bundle, args.flavour, photos(args))}
