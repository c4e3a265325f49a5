"""`python -m benchmarks tables`."""

from __future__ import annotations

import argparse
from typing import Any


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    about = "write the figures of benchmarks/results/ into README and docs"
    parser = benchmarks.add_parser("tables", help=about, description=about)
    parser.add_argument("--check", action="store_true", help="change nothing; fail where a page differs")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Rewrite or check the pages; returns 0, or raises what is stale."""
    from benchmarks.tables.rewrite import rewrite

    for page in rewrite(args.check):
        print(page)
    return 0
