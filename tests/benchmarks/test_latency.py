from __future__ import annotations

from pathlib import Path

from benchmarks.latency import measure
from benchmarks.ratios import ratios
from edge_caption.model.backends import BACKENDS
from edge_caption.model.bundle import DEFAULT, open_bundle
from edge_caption.model.flavour import suiting_flavour


def test_bundles_and_their_ways_take_turns(tmp_path: Path) -> None:
    (tmp_path / "other").symlink_to(DEFAULT)
    figures = measure([DEFAULT, tmp_path / "other"], rounds=2, threads=1)
    first, other = figures["bundles"].values()
    bundle = open_bundle()
    assert next(iter(first["median_ms"])) == bundle.default_flavour()
    assert {"onnxruntime fp32", "pytorch eager"} < set(first["median_ms"])
    if BACKENDS["openvino"].installed:
        assert f"{suiting_flavour(bundle, BACKENDS['openvino'])} openvino+onnxruntime" in first["median_ms"]
    assert first["mean_steps"] == other["mean_steps"] > 1
    assert min(first["best_ms"].values()) > 0
    # The same bundle twice: neither is much faster.
    assert 0.4 < figures["faster_than_the_first"]["other"]["median"] < 2.5


def test_one_round_has_quartiles_too() -> None:
    assert ratios([4.0], [2.0]) == {"median": 2.0, "quartile_1": 2.0, "quartile_3": 2.0}
    assert ratios([1.0, 2.0, 3.0, 4.0], [1.0] * 4) == {"median": 2.5, "quartile_1": 1.25, "quartile_3": 3.75}
