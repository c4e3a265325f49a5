"""Cameras that others serve while a node is measured: in a process of their own, so that they cost it nothing."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def cameras_apart(serve: Callable[..., None], *arguments: object) -> Iterator[list[str]]:
    """Run `serve` in a process of its own until the block ends, and yield the URLs that it sends.

    Args:
        serve: is called with the arguments and a `Connection` to send the URLs through.

    Raises:
        EOFError: it ended before it sent them.
    """
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(*arguments, theirs), daemon=True)
    process.start()
    theirs.close()  # so that a child that dies is seen
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()
