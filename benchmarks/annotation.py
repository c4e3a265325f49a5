"""How much of all cores `edge-caption annotate` uses: its rate against that of one captioner with one thread."""

from __future__ import annotations

import multiprocessing
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import cv2

from edge_caption.annotation.annotate import annotate, find_photos
from edge_caption.annotation.outputs import open_output
from edge_caption.annotation.workers import caption_by_processes
from edge_caption.model.captioner import Captioner


def measure(folder: Path, count: int, rounds: int) -> dict[str, Any]:
    """Take turns, so that a busy machine is as busy for both."""
    names = find_photos(folder, print)[:count]
    cores = len(os.sched_getaffinity(0))
    found = [
        (_alone(folder, names), _apart(folder, names, cores), _annotated(folder, names, cores)) for _ in range(rounds)
    ]
    alone, apart, annotated = (statistics.median(rates) for rates in zip(*found, strict=True))
    shares = [rate / (cores * alone) for alone, _, rate in found]
    return {
        "photos": len(names),
        "cores": cores,
        "one_thread_per_s": round(alone, 2),
        "apart_per_s": round(apart, 2),
        "annotate_per_s": round(annotated, 2),
        "share_of_cores": round(statistics.median(shares), 3),
        "share_of_apart": round(statistics.median(rate / apart for _, apart, rate in found), 3),
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


def _apart(folder: Path, names: Sequence[str], cores: int) -> float:
    """Return the rate of as many programs as there are cores, which know nothing of each other.

    Where two cores share caches, memory or a core of the host, this is less than cores x one thread's rate, and no
    program can do better.
    """
    context = multiprocessing.get_context("spawn")
    shares = [names[number::cores] for number in range(min(cores, len(names)))]
    start = context.Barrier(len(shares))
    own = context.SimpleQueue()
    programs = [context.Process(target=_caption_apart, args=(folder, share, start, own)) for share in shares]
    for program in programs:
        program.start()
    slowest: float = max(own.get() for _ in programs)
    for program in programs:
        program.join()
    return len(names) / slowest


def _caption_apart(folder: Path, names: Sequence[str], start: Barrier, own: SimpleQueue[float]) -> None:
    cv2.setNumThreads(1)
    captioner = Captioner(threads=1)
    captioner.caption(folder / names[0])
    start.wait()
    began = time.perf_counter()
    for name in names:
        captioner.caption(folder / name)
    own.put(time.perf_counter() - began)


def _annotated(folder: Path, names: Sequence[str], cores: int) -> float:
    """Return the rate once the processes have started, which takes a second of any run."""
    with tempfile.TemporaryDirectory() as scratch:
        output = open_output(Path(scratch) / "captions.jsonl")
        captioned = caption_by_processes(folder, names, {}, cores)
        return annotate(len(names), captioned, output, threading.Event(), lambda *_: None).rate
