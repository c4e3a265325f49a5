"""`python -m benchmarks regress`: measure anew, and name what got worse since the last committed results.

Milliseconds are compared on the processor of the committed results. On another one only what one run's parts say of
each other is: how many times faster INT8 is, shares of the peak, memory, bytes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.report import RESULTS, as_json
from edge_caption.commands.measurement.machine import describe
from edge_caption.errors import ConfigError
from edge_caption.terminal.numbers import positive, share

Figures = dict[str, Any]


class Figure(NamedTuple):
    """One number to compare."""

    name: str
    value: float
    more_is_better: bool = False
    anywhere: bool = False
    """Whether it says the same on another processor."""


def _latency(figures: Figures) -> Iterator[Figure]:
    for name, median in figures["median_ms"].items():
        yield Figure(f"{name}, ms", median)
    for name, ratio in figures["times_faster_than"].items():
        yield Figure(f"times faster than {name}", ratio["median"], more_is_better=True, anywhere=True)


def _memory(figures: Figures) -> Iterator[Figure]:
    yield Figure("peak memory, MB", figures["peak_rss_mb"]["median"], anywhere=True)
    yield Figure("first caption, s", figures["first_caption_s"]["median"])


def _size(figures: Figures) -> Iterator[Figure]:
    yield Figure("wheel, bytes", figures["wheel"], anywhere=True)
    yield Figure("bundle, bytes", figures["bundle"], anywhere=True)


def _roofline(figures: Figures) -> Iterator[Figure]:
    yield Figure("encoder, ms", figures["encoder_ms"])
    yield Figure("encoder, share of its peak", figures["ms_at_peak"] / figures["encoder_ms"], more_is_better=True)


class Regression(NamedTuple):
    """How to measure one benchmark anew, and what to compare."""

    measure: Callable[[Figures, int], Figures]
    """Takes the committed figures and a number of rounds."""
    compared: Callable[[Figures], Iterator[Figure]]


def _measure_latency(committed: Figures, rounds: int) -> Figures:
    from benchmarks import latency

    return latency.measure(None, rounds, committed["threads"])


def _measure_memory(committed: Figures, _: int) -> Figures:
    from benchmarks import memory

    return memory.measure(None, committed["backend"], committed["captions"], 3)


def _measure_size(_: Figures, __: int) -> Figures:
    from benchmarks import size

    return size.measure(None)


def _measure_roofline(committed: Figures, rounds: int) -> Figures:
    from benchmarks import roofline

    return roofline.measure(None, committed["flavour"], rounds)


REGRESSIONS = {
    "latency": Regression(_measure_latency, _latency),
    "memory": Regression(_measure_memory, _memory),
    "roofline": Regression(_measure_roofline, _roofline),
    "size": Regression(_measure_size, _size),
}


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = benchmarks.add_parser("regress", help="a fresh run against the committed results; names what got worse")
    parser.add_argument("--only", nargs="+", choices=REGRESSIONS, default=list(REGRESSIONS), metavar="BENCHMARK")
    parser.add_argument("--rounds", type=positive, default=20)
    parser.add_argument("--tolerance", type=share, default=0.1, help="what is noise (default: %(default)s)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure and compare; returns 1 if something got worse."""
    here = describe().processor
    rows: dict[str, dict[str, float]] = {}
    for name in args.only:
        before = committed(name)
        fresh = REGRESSIONS[name].measure(before, args.rounds)
        rows |= compare(name, before, fresh, same_processor=before["machine"]["processor"] == here)
    worse = sorted(name for name, row in rows.items() if row["worse_by"] > args.tolerance)
    print(as_json({"benchmark": "regress", "tolerance": args.tolerance, "compared": rows, "worse": worse}))
    return int(bool(worse))


def compare(benchmark: str, before: Figures, fresh: Figures, *, same_processor: bool) -> dict[str, dict[str, float]]:
    """Return both values of each figure and by what share the fresh one is worse; below 0 it is better."""
    old = {figure.name: figure for figure in REGRESSIONS[benchmark].compared(before)}
    rows = {}
    for figure in REGRESSIONS[benchmark].compared(fresh):
        if figure.name not in old or not (same_processor or figure.anywhere):
            continue
        was, now = old[figure.name].value, figure.value
        worse_by = was / now - 1 if figure.more_is_better else now / was - 1
        rows[f"{benchmark}: {figure.name}"] = {
            "before": round(was, 4),
            "now": round(now, 4),
            "worse_by": round(worse_by, 3),
        }
    return rows


def committed(name: str, results: Path = RESULTS) -> Figures:
    """Return the last committed result, or the file as it is where this is no checkout of git.

    Raises:
        ConfigError: there is none.
    """
    file = results / f"{name}.json"
    shown = _git(["show", f"HEAD:./{file.name}"], results)
    try:
        figures: Figures = json.loads(shown or file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} can't be read ({error}); measure once with --save") from error
    return figures


def _git(arguments: Sequence[str], folder: Path) -> str:
    try:
        found = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return found.stdout if found.returncode == 0 else ""
