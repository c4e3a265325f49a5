from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.node_times import Timed, time_nodes
from benchmarks.peaks import Peaks
from benchmarks.roofline import measure


def test_it_counts_the_products_of_each_node(tiny_bundle: Path) -> None:
    image = {"image": np.zeros((1, 224, 224, 3), np.uint8)}
    nodes = list(time_nodes(tiny_bundle / "encoder.cpu-x86.onnx", image, 2))
    # The layers of scripts/make_tiny_bundle.py: 28x28 of 16 planes, then 7x7.
    assert [node.products for node in nodes if node.kind == "depthwise 3x3"] == [28 * 28 * 16 * 9]
    assert [node.products for node in nodes if node.kind == "convolution 3x3"] == [7 * 7 * 16 * 16 * 9]
    assert all(node.milliseconds > 0 for node in nodes if node.products)


def test_times_and_shares_belong_together(tiny_bundle: Path) -> None:
    figures = measure(tiny_bundle, "cpu-x86", 2)
    kinds = figures["kinds"]
    assert abs(sum(row["ms"] for row in kinds.values()) - figures["encoder_ms"]) < 0.01
    assert 0 < kinds["depthwise 3x3"]["of_peak"] < 1
    assert 0 < figures["encoder_of_roofline"] < 1.2
    assert 0 < figures["decoder"]["of_roofline"] < 1.2
    assert figures["decoder"]["nodes_ms"] > 0


def test_a_node_can_be_bound_by_its_products_or_by_its_bytes() -> None:
    peaks = Peaks(int8=100.0, fp32=25.0, bandwidth=10.0)
    assert peaks.milliseconds(Timed("a", 1.0, products=2_000_000, moved=10)) == pytest.approx(0.02)
    assert peaks.milliseconds(Timed("a", 1.0, products=10, moved=1_000_000)) == pytest.approx(0.1)
