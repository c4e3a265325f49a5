"""Where the time of the INT8 encoder and of a decoder step goes, and how near that is to what the processor can do.

ONNX Runtime times each node of the graph as it runs it. A convolution's products a second are held against the most
that the same library gets out of one core of this processor: a large product of matrices, in bytes and in fp32. Where
an encoder multiplies at that rate, no kernel makes it faster; and INT8 can be no more times faster than fp32 than the
two peaks are apart, but for the time that fp32 spends otherwise.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto

from benchmarks.node_times import Inputs, Timed, time_nodes
from benchmarks.peaks import Peaks, bandwidth, peak
from edge_caption.model.backends.onnx import OnnxSession
from edge_caption.model.bundle import Bundle, open_bundle

STEPS = 20
"""Decoder steps for each run of the encoder; they are short."""


def measure(bundle: Path | None, flavour: str | None, rounds: int) -> dict[str, Any]:
    """Return the peaks, and for each kind of node time, products and their share of the peak; one thread."""
    opened = open_bundle(bundle)
    flavour, encoder, decoder = opened.graphs(flavour)
    side = opened.manifest.sizes.side
    image = {"image": np.random.default_rng(0).integers(0, 256, (1, side, side, 3), np.uint8)}
    size = sum(opened.bytes_of(flavour).values())
    peaks = Peaks(peak(TensorProto.UINT8, rounds), peak(TensorProto.FLOAT, rounds), bandwidth(size, rounds))
    kinds = _by_kind(time_nodes(encoder, image, rounds))
    total = sum(node.milliseconds for nodes in kinds.values() for node in nodes)
    products = sum(node.products for nodes in kinds.values() for node in nodes)
    return {
        "flavour": flavour,
        "threads": 1,
        "peak_gmac_per_s": {"int8": round(peaks.int8, 1), "fp32": round(peaks.fp32, 1)},
        "bandwidth_gb_per_s": round(peaks.bandwidth, 1),
        "int8_over_fp32": round(peaks.int8 / peaks.fp32, 2),
        "encoder_ms": round(total, 3),
        "mmac": round(products / 1e6, 1),
        "ms_at_peak": round(products / peaks.int8 / 1e6, 3),
        "encoder_of_roofline": _share(kinds, peaks),
        "kinds": _rows(kinds, peaks),
        "decoder": _decoder(opened, encoder, decoder, image, peaks, rounds),
    }


def _decoder(opened: Bundle, encoder: Path, decoder: Path, image: Inputs, peaks: Peaks, rounds: int) -> dict[str, Any]:
    """Return the same of a step of the decoder, and what lies between its nodes' time and what a step takes."""
    regions, keys, state = OnnxSession(encoder, 1).run(**image)
    step = {"token": np.array([opened.vocabulary().start("en")]), "state": state, "regions": regions, "keys": keys}
    kinds = _by_kind(time_nodes(decoder, step, rounds * STEPS))
    total = sum(node.milliseconds for nodes in kinds.values() for node in nodes)
    session = OnnxSession(decoder, 1)
    whole = []
    for _ in range(rounds * STEPS):
        started = time.perf_counter()
        session.run(**step)
        whole.append((time.perf_counter() - started) * 1000)
    median = statistics.median(whole)
    least = sum(peaks.milliseconds(node) for nodes in kinds.values() for node in nodes)
    return {
        "step_ms": round(median, 4),
        "nodes_ms": round(total, 4),
        "between_nodes": round(max(0.0, 1 - total / median), 3),
        "mmac": round(sum(node.products for nodes in kinds.values() for node in nodes) / 1e6, 2),
        "of_roofline": round(least / median, 3),
        "kinds": _rows(kinds, peaks),
    }


def _by_kind(nodes: Iterable[Timed]) -> dict[str, list[Timed]]:
    kinds: dict[str, list[Timed]] = defaultdict(list)
    for node in nodes:
        kinds[node.kind].append(node)
    return dict(sorted(kinds.items(), key=lambda item: -sum(one.milliseconds for one in item[1])))


def _rows(kinds: dict[str, list[Timed]], peaks: Peaks) -> dict[str, dict[str, float]]:
    return {name: _row(nodes, peaks) for name, nodes in kinds.items()}


def _share(kinds: dict[str, list[Timed]], peaks: Peaks) -> float:
    nodes = [node for found in kinds.values() for node in found]
    return round(sum(map(peaks.milliseconds, nodes)) / sum(node.milliseconds for node in nodes), 3)


def _row(nodes: list[Timed], peaks: Peaks) -> dict[str, float]:
    spent, products = sum(node.milliseconds for node in nodes), sum(node.products for node in nodes)
    row: dict[str, float] = {"nodes": len(nodes), "ms": round(spent, 4)}
    row["mb_moved"] = round(sum(node.moved for node in nodes) / 1e6, 3)
    if products:
        rate = products / spent / 1e6
        row |= {"mmac": round(products / 1e6, 2), "gmac_per_s": round(rate, 1), "of_peak": round(rate / peaks.int8, 3)}
    return row | {"of_roofline": _share({"": nodes}, peaks)}
