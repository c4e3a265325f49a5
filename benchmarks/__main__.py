"""`python -m benchmarks`: measure and print JSON, or show on a page."""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence

from benchmarks import regress
from benchmarks.commands import (
    adapt,
    alerts,
    annotation,
    arm,
    blank,
    calibration_memory,
    cameras,
    confidence,
    delivery,
    find,
    find_again,
    gallery,
    gates,
    history,
    http,
    latency,
    levers,
    memory,
    page,
    pareto,
    quality,
    recovery,
    robustness,
    roofline,
    scale,
    session_options,
    size,
    soak,
    update,
    worker_faults,
    workers,
)
from benchmarks.engines import command as engines
from benchmarks.faults import command as faults
from benchmarks.peers import command as peers
from benchmarks.tables import command as tables
from edge_caption.errors import ConfigError
from toolchain.command import run

MODEL = (arm, blank, calibration_memory, confidence, gallery, gates, latency, memory, quality, robustness)
TRAINING = (adapt, levers)
PROGRAM = (
    *(alerts, annotation, cameras, delivery, faults, find, find_again, history, http),
    *(page, recovery, scale, size, soak, update, worker_faults, workers),
)
COMPARED = (engines, session_options, pareto, peers, regress, roofline, tables)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one benchmark; returns the exit code."""
    args = _parser().parse_args(argv)
    return run("benchmarks", lambda: _measure(args))


def _measure(args: argparse.Namespace) -> int:
    try:
        return int(args.run(args))
    except statistics.StatisticsError as error:  # a median of nothing
        raise ConfigError(f"too little was measured ({error}); measure for longer") from error


def _parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    benchmarks = top.add_subparsers(dest="benchmark", required=True, metavar="BENCHMARK")
    for command in (*MODEL, *TRAINING, *PROGRAM, *COMPARED):
        command.add_parser(benchmarks)
    return top


if __name__ == "__main__":
    sys.exit(main())
