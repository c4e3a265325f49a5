"""Processes that caption photos, one a core: a process runs Python, which searches for the sentence, on one core."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_caption.errors import BackendError, PhotoError

if TYPE_CHECKING:
    from edge_caption.model.captioner import Captioner

MOST = 16
"""Photos that a worker gets at once: enough that asking costs nothing."""

ROUNDS = 32
"""Each worker gets photos so often at least: all of them then end together."""

WAITING = 3
"""Chunks in flight for each worker."""

_captioner: Captioner
"""Of a worker's process."""


@dataclass(frozen=True)
class Annotation:
    """What was said of a photo."""

    file: str
    """Relative to the folder."""
    caption: str
    confidence: float
    language: str


@dataclass(frozen=True)
class Unreadable:
    """A photo that nothing can be said of, and the sentence that tells why."""

    file: str
    reason: str


def caption_by_processes(
    folder: Path, names: Sequence[str], model: Mapping[str, Any], workers: int
) -> Generator[Annotation | Unreadable, None, None]:
    """Caption photos on several cores; yields each as it is done, in no order.

    Args:
        folder: of the photos.
        names: of the photos in it.
        model: the captioner's options.
        workers: processes, each with one thread.

    Raises:
        BackendError: a worker ended, as the kernel makes it when memory is short.
    """
    context = multiprocessing.get_context("spawn")
    size = max(1, min(MOST, len(names) // (workers * ROUNDS)))
    chunks = (names[start : start + size] for start in range(0, len(names), size))
    pool = ProcessPoolExecutor(workers, context, _start, (dict(model),))
    try:
        pending: set[Future[list[Annotation | Unreadable]]] = set()
        while True:
            pending |= {pool.submit(_caption, folder, c) for c in islice(chunks, workers * WAITING - len(pending))}
            if not pending:
                return
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                yield from future.result()
    except BrokenProcessPool:
        raise BackendError(
            "a process that captions ended by itself; start again to go on, with fewer --workers if memory is short"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start(model: Mapping[str, Any]) -> None:
    global _captioner  # noqa: PLW0603 - how an executor's processes keep what they load once
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent sees to it
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from edge_caption.images.photos import keep_opencv_in_one_thread
    from edge_caption.model.captioner import Captioner

    keep_opencv_in_one_thread()
    _captioner = Captioner(**model, threads=1)


def _end_with_parent() -> None:
    """Leave no process behind when the parent is killed."""
    parent = multiprocessing.parent_process()
    assert parent
    parent.join()
    os._exit(1)


def _caption(folder: Path, names: Sequence[str]) -> list[Annotation | Unreadable]:
    return [_caption_one(folder, name) for name in names]


def _caption_one(folder: Path, name: str) -> Annotation | Unreadable:
    try:
        said = _captioner.caption(folder / name)
    except PhotoError as error:
        return Unreadable(name, str(error))
    return Annotation(name, said.text, round(said.confidence, 4), said.language)
