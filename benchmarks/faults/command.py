"""`python -m benchmarks faults`: random schedules of faults by seed; every promised caption must reach the broker."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from typing import Any

from benchmarks.faults.schedule import Outcome, live_through
from benchmarks.report import report
from edge_caption.terminal.numbers import positive


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = benchmarks.add_parser("faults", help="kills, cuts, restarts at random moments: is a caption lost?")
    parser.add_argument("--schedules", type=positive, default=20, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the first schedule (default: %(default)s)")
    parser.add_argument("--save", action="store_true", help="also write benchmarks/results/faults.json")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure and print; returns 1 when something was lost or left."""
    figures = measure(args.schedules, args.seed)
    report("faults", figures, save=args.save)
    return 1 if any(figures[kind] for kind in ("lost", "ids_taken_twice", "left_in_the_outbox", "tracebacks")) else 0


def measure(schedules: int, seed: int) -> dict[str, Any]:
    """Run schedules with consecutive seeds."""
    began = time.monotonic()
    outcomes: dict[int, Outcome] = {}
    for number in range(seed, seed + schedules):
        outcomes[number] = live_through(number)
        if outcomes[number].failed:
            print(f"seed {number}: {outcomes[number].failed}", file=sys.stderr)
    faults = Counter(fault for outcome in outcomes.values() for fault in outcome.faults)
    return {
        "schedules": schedules,
        "seed": seed,
        "minutes": round((time.monotonic() - began) / 60, 1),
        "faults": dict(sorted(faults.items())),
        "captions_promised": sum(len(outcome.committed) for outcome in outcomes.values()),
        "captions_sent_again": sum(outcome.duplicates for outcome in outcomes.values()),
        "lost": sum(len(outcome.lost) for outcome in outcomes.values()),
        "ids_taken_twice": sum(outcome.reused for outcome in outcomes.values()),
        "left_in_the_outbox": sum(outcome.left for outcome in outcomes.values()),
        "tracebacks": sum(outcome.tracebacks for outcome in outcomes.values()),
        "seeds_that_failed": [number for number, outcome in outcomes.items() if outcome.failed],
    }
