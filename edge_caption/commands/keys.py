"""Keys that a person presses on the terminal while the program runs."""

from __future__ import annotations

import os
import select
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

GLANCE_S = 0.1


@contextmanager
def on_key(keys: str, act: Callable[[], None], descriptor: int | None = None) -> Iterator[None]:
    """Call `act` in a thread of its own whenever one of some keys is pressed; nothing where there is no terminal.

    Args:
        keys: each of them acts.
        act: what they do.
        descriptor: of the terminal; standard input's if None.
    """
    descriptor = descriptor if descriptor is not None else _standard_input()
    # A background job that changed the terminal's mode would be stopped.
    if descriptor is None or not os.isatty(descriptor) or os.tcgetpgrp(descriptor) != os.getpgrp():
        yield
        return
    before = termios.tcgetattr(descriptor)
    done = threading.Event()
    thread = threading.Thread(target=_read, args=(descriptor, keys, act, done), name="keys", daemon=True)
    tty.setcbreak(descriptor)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _read(descriptor: int, keys: str, act: Callable[[], None], done: threading.Event) -> None:
    while not done.is_set():
        if select.select([descriptor], [], [], GLANCE_S)[0]:
            pressed = os.read(descriptor, 64)
            if not pressed:  # the terminal has gone
                return
            if any(key.encode() in pressed for key in keys):
                act()


def _standard_input() -> int | None:
    try:
        return sys.stdin.fileno() if sys.stdin else None
    except (OSError, ValueError):
        return None
