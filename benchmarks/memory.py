"""The whole `edge-caption run` process: its highest resident memory, and the time to its first caption."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from edge_caption.commands.measurement.frames import PHOTOS
from edge_caption.commands.measurement.process import running

PACE = 5
"""Captions a second."""


def measure(bundle: Path | None, backend: str, captions: int, runs: int) -> dict[str, Any]:
    """Start the process several times on the shipped photos with a broker that is not there.

    Captions are committed to the outbox as ever, so the memory is that of the whole path but the broker's answers.

    Raises:
        ConfigError: a run failed; its own sentence.
    """
    measured = [_run(bundle, backend, captions) for _ in range(runs)]
    first, peak = zip(*measured, strict=True)
    return {
        "backend": backend,
        "runs": runs,
        "captions": captions,
        "first_caption_s": {"median": round(statistics.median(first), 3), "worst": round(max(first), 3)},
        "peak_rss_mb": {"median": round(statistics.median(peak), 1), "worst": round(max(peak), 1)},
    }


def _run(bundle: Path | None, backend: str, captions: int) -> tuple[float, float]:
    """Return seconds to the first caption and the peak resident memory in MB (10^6 bytes)."""
    model = ["--backend", backend, *(["--bundle", str(bundle)] if bundle else [])]
    with running([str(PHOTOS)], PACE, model) as node:
        first = node.first_caption_s()
        node.wait_for(captions)
        return first, node.end()
