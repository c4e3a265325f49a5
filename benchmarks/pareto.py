"""`python -m benchmarks pareto`: CIDEr of each dev set beside milliseconds and bytes."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.report import report
from edge_caption.model.bundle import DEFAULT
from edge_caption.terminal.numbers import positive


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = benchmarks.add_parser("pareto", help="quality beside cost, over bundles, flavours and beams")
    parser.add_argument(
        "--data",
        nargs=3,
        action="append",
        required=True,
        metavar=("NAME", "CAPTIONS", "PHOTOS"),
        help="a dev set: what to call it, its caption file and its photos' folder; once for each",
    )
    parser.add_argument("--bundles", type=Path, nargs="+", default=[DEFAULT], metavar="FOLDER")
    parser.add_argument("--flavours", nargs="+", metavar="NAME", help="(default: all that a bundle has for processors)")
    parser.add_argument("--beams", type=positive, nargs="+", default=[1, 3], metavar="N")
    parser.add_argument("--rounds", type=positive, default=20, help="of timing (default: %(default)s)")
    parser.add_argument("--limit", type=positive, metavar="N", help="only the first so many photos, to try it out")
    parser.add_argument("--save", action="store_true", help="also write benchmarks/results/pareto.json, and a plot")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure and print; returns 0."""
    points = [point for folder in args.bundles for point in _points(folder, args)]
    for point in points:
        point["on_front"] = not any(_beats(other, point) for other in points)
    report("pareto", {"threads": 1, "data": [name for name, *_ in args.data], "points": points}, save=args.save)
    return 0


def _points(folder: Path, args: argparse.Namespace) -> list[dict[str, Any]]:
    from edge_caption.model.bundle import open_bundle

    bundle = open_bundle(folder)
    flavours = args.flavours or [name for name in bundle.manifest.flavours if name.startswith(("cpu", "fp32"))]
    times = milliseconds(folder, flavours, args.beams, args.rounds)
    ciders = {name: _ciders(folder, flavours, args, captions, photos) for name, captions, photos in args.data}
    return [
        {
            "bundle": f"{bundle.manifest.name} {bundle.manifest.version}",
            "side": bundle.manifest.sizes.side,
            "flavour": flavour,
            "beams": beams,
            "ms": times[flavour, beams],
            "bytes": sum(bundle.bytes_of(flavour).values()),
            "cider": {name: found[flavour][f"beam_{beams}"]["cider"] for name, found in ciders.items()},
        }
        for flavour, beams in itertools.product(flavours, args.beams)
    ]


def milliseconds(
    folder: Path, flavours: Sequence[str], beams: Sequence[int], rounds: int
) -> dict[tuple[str, int], float]:
    """Return the median milliseconds of a caption, one thread, for each flavour and number of beams, in turns."""
    from edge_caption.commands.measurement.frames import frames
    from edge_caption.commands.measurement.stages import TimedSearch
    from edge_caption.model.backends import REFERENCE
    from edge_caption.model.bundle import open_bundle
    from edge_caption.model.flavour import load_flavour

    bundle = open_bundle(folder)
    loaded = {flavour: load_flavour(bundle, flavour, REFERENCE, 1) for flavour in flavours}
    searches = {
        (flavour, number): TimedSearch(bundle, loaded[flavour], 1, number)
        for flavour, number in itertools.product(flavours, beams)
    }
    for _, search, frame in itertools.product(range(rounds), searches.values(), frames()):
        search.caption(frame)
    return {key: search.result().caption.p50 for key, search in searches.items()}


def _ciders(folder: Path, flavours: Sequence[str], args: argparse.Namespace, captions: str, photos: str) -> Any:
    from benchmarks import quality
    from edge_caption.model.backends import REFERENCE
    from training.data.load import caption_file, load

    file = caption_file(captions)
    dev = load(file.path, Path(photos), "dev", file.language)[: args.limit]
    return quality.measure(folder, list(flavours), REFERENCE, args.beams, dev, set())["flavours"]


def _beats(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Return whether one is as good in everything, and better in something."""
    # To a tenth of a megabyte: what flavours differ by in names and shapes is nothing.
    costs = [(one["ms"], other["ms"]), (round(one["bytes"] / 1e5), round(other["bytes"] / 1e5))]
    costs += [(-one["cider"][name], -other["cider"][name]) for name in one["cider"]]
    return all(mine <= yours for mine, yours in costs) and any(mine < yours for mine, yours in costs)
