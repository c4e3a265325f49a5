"""A signed bundle over MQTT, with cuts at random moments."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.commands.options import add_bundle, check_bundles
from benchmarks.report import report
from edge_caption.model.bundle import folder_of
from edge_caption.terminal.numbers import positive


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = benchmarks.add_parser("update", help="a signed bundle over MQTT, with cuts at random moments")
    add_bundle(parser)
    parser.add_argument("--cuts", type=positive, default=20, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="(default: %(default)s)")
    parser.add_argument("--save", action="store_true", help="also write benchmarks/results/update.json")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure and print; returns 1 when the node does not run the update, or a caption was lost."""
    from benchmarks import update

    check_bundles(args.bundle)
    figures = update.measure(folder_of(args.bundle), args.cuts, args.seed)
    report("update", figures, save=args.save)
    return int(figures["lost"] > 0 or figures["installed_version"] != update.VERSION)
