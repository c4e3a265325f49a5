"""CIDEr of each dev set beside milliseconds and bytes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Extent(NamedTuple):
    """What to run of each bundle, and how often."""

    flavours: Sequence[str] | None
    """None: all that it has for processors."""
    beams: Sequence[int]
    rounds: int
    """Of timing."""
    limit: int | None
    """Photos of each set; all if None."""


Data = Sequence[tuple[str, str, str]]
"""Dev sets: what to call it, its caption file, its photos' folder."""


def measure(bundles: Sequence[Path], data: Data, extent: Extent) -> dict[str, Any]:
    """Score and time every flavour and number of beams of every bundle; tell which nothing beats."""
    points = [point for bundle in bundles for point in _points(bundle, data, extent)]
    for point in points:
        point["on_front"] = not any(_beats(other, point) for other in points)
    return {"threads": 1, "data": [name for name, *_ in data], "points": points}


def _points(folder: Path, data: Data, extent: Extent) -> list[dict[str, Any]]:
    from edge_caption.model.bundle import open_bundle

    bundle = open_bundle(folder)
    flavours = extent.flavours or [name for name in bundle.manifest.flavours if name.startswith(("cpu", "fp32"))]
    times = milliseconds(folder, flavours, extent.beams, extent.rounds)
    ciders = {name: _ciders(folder, flavours, extent, captions, photos) for name, captions, photos in data}
    return [
        {
            "bundle": f"{bundle.folder.name} {bundle.manifest.version}",
            "side": bundle.manifest.sizes.side,
            "flavour": flavour,
            "beams": beams,
            "ms": times[flavour, beams],
            "bytes": sum(bundle.bytes_of(flavour).values()),
            "cider": {name: found[flavour][f"beam_{beams}"]["cider"] for name, found in ciders.items()},
        }
        for flavour, beams in itertools.product(flavours, extent.beams)
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


def _ciders(folder: Path, flavours: Sequence[str], extent: Extent, captions: str, photos: str) -> Any:
    from benchmarks import quality
    from edge_caption.model.backends import REFERENCE
    from training.data.load import caption_file, load

    file = caption_file(captions)
    dev = load(file.path, Path(photos), "dev", file.language)[: extent.limit]
    return quality.measure(folder, list(flavours), REFERENCE, extent.beams, dev, set())["flavours"]


def _beats(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Return whether one is as good in everything, and better in something."""
    # To a tenth of a megabyte: what flavours differ by in names and shapes is nothing.
    costs = [(one["ms"], other["ms"]), (round(one["bytes"] / 1e5), round(other["bytes"] / 1e5))]
    costs += [(-one["cider"][name], -other["cider"][name]) for name in one["cider"]]
    return all(mine <= yours for mine, yours in costs) and any(mine < yours for mine, yours in costs)
