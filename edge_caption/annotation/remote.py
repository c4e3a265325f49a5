"""Captions by the workers of a broker, on any number of machines."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from itertools import islice
from pathlib import Path

from edge_caption.annotation.outputs import name_of
from edge_caption.annotation.workers import Annotation, Unreadable
from edge_caption.errors import PhotoError
from edge_caption.images.photos import read_file
from edge_caption.mqtt.work.asker import Asker
from edge_caption.records import WorkerAnswer

IN_FLIGHT = 32
"""Photos that workers have at once: enough for eight workers, few enough that none waits long."""

GLANCE_S = 0.5


def caption_by_workers(
    folder: Path, names: Sequence[str], asker: Asker, stop: threading.Event
) -> Generator[Annotation | Unreadable, None, None]:
    """Caption photos; yields each as it is done, in no order.

    Args:
        folder: of the photos.
        names: of the photos in it.
        asker: sends them to the workers.
        stop: ends it early.

    Raises:
        ConfigError: the broker does not let photos go to workers.
    """
    left = iter(names)
    pending: dict[Future[WorkerAnswer], str] = {}
    while not stop.is_set():
        taken = list(islice(left, IN_FLIGHT - len(pending)))
        pending |= {_ask(folder, name, asker): name for name in taken}
        if not taken and not pending:
            return
        for future in wait(pending, GLANCE_S, FIRST_COMPLETED).done if pending else ():
            yield _result(pending.pop(future), future)


def _ask(folder: Path, name: str, asker: Asker) -> Future[WorkerAnswer]:
    try:
        return asker.ask(read_file(folder / name), name_of(name))
    except PhotoError as error:
        unreadable: Future[WorkerAnswer] = Future()
        unreadable.set_exception(error)
        return unreadable


def _result(name: str, future: Future[WorkerAnswer]) -> Annotation | Unreadable:
    try:
        answer = future.result()
    except PhotoError as error:
        return Unreadable(name, str(error))
    if said := answer.data:
        return Annotation(name, said.caption, said.confidence, said.language)
    return Unreadable(name, f"{name_of(name)}: {answer.error}")
