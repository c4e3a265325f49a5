from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.roofline import measure, time_nodes


def test_it_counts_the_products_of_each_node(tiny_bundle: Path) -> None:
    image = np.zeros((1, 224, 224, 3), np.uint8)
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
