"""What `edge-caption run` costs: its start, and its work for some cameras at some pace."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from edge_caption.commands.measurement.document import Load, Start
from edge_caption.commands.measurement.process import running

START_CAPTIONS = 10
"""Of each start, at FPS a second; then its memory has its size."""

FPS = 5.0

WARM_UP_S = 1.0


def measure_start(photos: Path, runs: int, model: Sequence[str] = ()) -> Start:
    """Start the node so often.

    Args:
        photos: a folder, its camera.
        runs: how often.
        model: options that choose the model.

    Raises:
        ConfigError: a run failed; its own sentence.
    """
    firsts, peaks = [], []
    for _ in range(runs):
        with running([str(photos)], FPS, model) as node:
            firsts.append(node.first_caption_s())
            node.wait_for(START_CAPTIONS)
            peaks.append(node.end())
    return Start(
        runs=runs,
        first_caption_s=round(statistics.median(firsts), 3),
        worst_first_caption_s=round(max(firsts), 3),
        peak_rss_mb=round(statistics.median(peaks), 1),
    )


def measure_load(photos: Path, cameras: int, fps: float, seconds: float, model: Sequence[str] = ()) -> Load:
    """Let the node work for some cameras, each the folder of photos.

    Args:
        photos: the folder.
        cameras: how many.
        fps: captions a second of each.
        seconds: how long to watch, after a warm-up.
        model: options that choose the model.

    Raises:
        ConfigError: the node failed; its own sentence.
    """
    with running([f"camera-{number}={photos}" for number in range(cameras)], fps, model) as node:
        node.wait_for(cameras)
        time.sleep(WARM_UP_S)
        began, spent, captions = time.perf_counter(), node.cpu_s(), node.captions
        time.sleep(seconds)
        watched, spent, captions = time.perf_counter() - began, node.cpu_s() - spent, node.captions - captions
        peak = node.end()
        ages = node.ages_ms()
    return Load(
        cameras=cameras,
        fps=fps,
        captions_per_s=round(captions / watched, 2),
        cpu_share=round(spent / watched, 3),
        age_ms=round(statistics.median(ages), 1),
        peak_rss_mb=round(peak, 1),
    )
