from __future__ import annotations

from pathlib import Path

from benchmarks.composed import captioner
from benchmarks.latency import open_engines, ratios, row, time_rounds
from edge_caption.commands.measurement.frames import frames
from edge_caption.model.backends import BACKENDS
from edge_caption.model.bundle import open_bundle
from edge_caption.model.flavour import suiting_flavour


def test_every_installed_backend_is_timed_in_the_same_rounds(tiny_bundle: Path) -> None:
    bundle = open_bundle(tiny_bundle)
    engines = open_engines(bundle, 1)
    runners = {row(engine): captioner(engine.encoder, engine.decoder, bundle.manifest.sizes.side) for engine in engines}
    times, steps = time_rounds(runners, frames()[:2], bundle.default_flavour(), 3)
    assert steps > 1
    assert all(len(taken) == 3 and min(taken) > 0 for taken in times.values())
    if BACKENDS["openvino"].installed:
        assert f"{suiting_flavour(bundle, BACKENDS['openvino'])} openvino+onnxruntime" in times


def test_one_round_has_quartiles_too() -> None:
    assert ratios([4.0], [2.0]) == {"median": 2.0, "quartile_1": 2.0, "quartile_3": 2.0}
    assert ratios([1.0, 2.0, 3.0, 4.0], [1.0] * 4) == {"median": 2.5, "quartile_1": 1.25, "quartile_3": 3.75}
