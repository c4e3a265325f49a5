"""`python -m benchmarks regress`: what got worse since the last committed results.

It measures anew, or with --saved takes the results that lie in benchmarks/results/. Milliseconds are compared on the
processor of the committed results. On another one only what one run's parts say of each other is: how many times faster
INT8 is, shares of the peak, memory, bytes, scores.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import to_builtins

from benchmarks.compared import COMPARED, Figures
from benchmarks.report import PACKAGES, RESULTS, as_json
from edge_caption.commands.measurement.machine import describe
from edge_caption.errors import ConfigError
from edge_caption.terminal.numbers import positive, share


def _measure_latency(committed: Figures, rounds: int) -> Figures:
    from benchmarks import latency

    return latency.measure([Path(name) for name in committed["bundles"]], rounds, committed["threads"])


def _measure_memory(committed: Figures, _: int) -> Figures:
    from benchmarks import memory

    return memory.measure(None, committed["backend"], committed["captions"], 3)


def _measure_size(_: Figures, __: int) -> Figures:
    from benchmarks import size

    return size.measure(None)


def _measure_roofline(committed: Figures, rounds: int) -> Figures:
    from benchmarks import roofline

    return roofline.measure(None, committed["flavour"], rounds)


MEASURED: dict[str, Callable[[Figures, int], Figures]] = {
    "latency": _measure_latency,
    "memory": _measure_memory,
    "roofline": _measure_roofline,
    "size": _measure_size,
}
"""What is measured anew: takes the committed figures and a number of rounds."""


LEAST = 1e-9
"""Stands for 0 where something is divided by it: a figure that fell to nothing is worse, too."""


class Fresh(NamedTuple):
    """A result to hold against the committed one."""

    machine: Figures
    figures: Figures


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    about = "what got worse since the last committed results, as ratios"
    parser = benchmarks.add_parser("regress", help=about, description=about)
    parser.add_argument("--only", nargs="+", choices=COMPARED, metavar="BENCHMARK", help=", ".join(COMPARED))
    saved = "compare the files of benchmarks/results/ with the committed ones, and measure nothing"
    parser.add_argument("--saved", action="store_true", help=saved)
    parser.add_argument("--rounds", type=positive, default=20)
    parser.add_argument("--tolerance", type=share, default=0.1, help="what is noise (default: %(default)s)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure and compare; returns 1 if something got worse."""
    rows: dict[str, dict[str, float]] = {}
    differences: list[str] = []
    for name in args.only or (COMPARED if args.saved else MEASURED):
        before = committed(name)
        try:
            fresh = _saved(name) if args.saved else _measured(name, before, args.rounds)
            differences += differing(name, before["machine"], fresh.machine)
            same = before["machine"]["processor"] == fresh.machine["processor"]
            rows |= compare(name, before, fresh.figures, same_processor=same)
        except (KeyError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"{RESULTS / name}.json is of another form than this program's ({error!r}); measure anew with --save"
            ) from error
    worse = sorted(name for name, row in rows.items() if row["worse_by"] > args.tolerance)
    for line in [*differences, *(told(name, rows[name]) for name in worse)]:
        print(line, file=sys.stderr)
    found = {"tolerance": args.tolerance, "differences": differences, "compared": rows, "worse": worse}
    print(as_json({"benchmark": "regress", **found}))
    return int(bool(worse))


def told(name: str, row: dict[str, float]) -> str:
    """Say what got worse, for people."""
    return f"worse: {name}: {row['before']:g} before, {row['now']:g} now"


def differing(benchmark: str, before: Figures, now: Figures) -> list[str]:
    """Say what differs between two machines, and what that means for the comparison."""
    lines = []
    if before["processor"] != now["processor"]:
        pair = f"{before['processor']} before, {now['processor']} now"
        lines.append(f"{benchmark}: another processor ({pair}): its milliseconds are not compared")
    if before.get("cores") != now.get("cores"):
        lines.append(f"{benchmark}: another number of cores ({before.get('cores')} before, {now.get('cores')} now)")
    old, new = before.get("packages", {}), now.get("packages", {})
    changed = [f"{name} {old[name]} before, {new[name]} now" for name in old if new.get(name, old[name]) != old[name]]
    return [*lines, *(f"{benchmark}: another version: {change}" for change in changed)]


def compare(benchmark: str, before: Figures, fresh: Figures, *, same_processor: bool) -> dict[str, dict[str, float]]:
    """Return both values of each figure and by what share the fresh one is worse; below 0 it is better."""
    old = {figure.name: figure for figure in COMPARED[benchmark](before)}
    rows = {}
    for figure in COMPARED[benchmark](fresh):
        if figure.name not in old or not (same_processor or figure.anywhere):
            continue
        was, now = old[figure.name].value, figure.value
        worse, better = (was, now) if figure.more_is_better else (now, was)
        rows[f"{benchmark}: {figure.name}"] = {
            "before": round(was, 4),
            "now": round(now, 4),
            "worse_by": _worse_by(worse, better),
        }
    return rows


def _worse_by(worse: float, better: float) -> float:
    """Return the share; beside nothing at all everything is much."""
    return round(worse / max(better, LEAST) - 1, 3) if worse != better else 0.0


def _measured(name: str, before: Figures, rounds: int) -> Fresh:
    if name not in MEASURED:
        raise ConfigError(f"{name} is not measured anew here; run it with --save, then compare with --saved")
    return Fresh(to_builtins(describe(PACKAGES)), MEASURED[name](before, rounds))


def _saved(name: str) -> Fresh:
    figures = _read(RESULTS / f"{name}.json")
    return Fresh(figures["machine"], figures)


def committed(name: str, results: Path = RESULTS) -> Figures:
    """Return the last committed result, or the file as it is where this is no checkout of git.

    Raises:
        ConfigError: there is none.
    """
    file = results / f"{name}.json"
    shown = _git(["show", f"HEAD:./{file.name}"], results)
    figures: Figures = json.loads(shown) if shown else _read(file)
    return figures


def _read(file: Path) -> Figures:
    try:
        figures: Figures = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} can't be read ({error}); measure once with --save") from error
    return figures


def _git(arguments: Sequence[str], folder: Path) -> str:
    try:
        found = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return found.stdout if found.returncode == 0 else ""
