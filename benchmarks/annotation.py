"""How much of all cores `edge-caption annotate` uses: its rate against that of one captioner with one thread."""

from __future__ import annotations

import os
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2

from edge_caption.annotation.annotate import annotate, find_photos
from edge_caption.annotation.outputs import open_output
from edge_caption.annotation.workers import caption_by_processes
from edge_caption.model.captioner import Captioner


def measure(folder: Path, count: int, rounds: int) -> dict[str, Any]:
    """Take turns, so that a busy machine is as busy for both."""
    names = find_photos(folder)[:count]
    cores = len(os.sched_getaffinity(0))
    pairs = [(_alone(folder, names), _annotated(folder, names, cores)) for _ in range(rounds)]
    shares = [rate / (cores * alone) for alone, rate in pairs]
    return {
        "photos": len(names),
        "cores": cores,
        "one_thread_per_s": round(statistics.median(alone for alone, _ in pairs), 2),
        "annotate_per_s": round(statistics.median(rate for _, rate in pairs), 2),
        "share_of_cores": round(statistics.median(shares), 3),
        "shares": [round(share, 3) for share in shares],
    }


def _alone(folder: Path, names: Sequence[str]) -> float:
    cv2.setNumThreads(1)
    captioner = Captioner(threads=1)
    captioner.caption(folder / names[0])
    began = time.perf_counter()
    for name in names:
        captioner.caption(folder / name)
    return len(names) / (time.perf_counter() - began)


def _annotated(folder: Path, names: Sequence[str], cores: int) -> float:
    """Return the rate once the processes have started, which takes a second of any run."""
    with tempfile.TemporaryDirectory() as scratch:
        output = open_output(Path(scratch) / "captions.jsonl")
        captioned = caption_by_processes(folder, names, {}, cores)
        return annotate(len(names), captioned, output, threading.Event(), lambda *_: None).rate
