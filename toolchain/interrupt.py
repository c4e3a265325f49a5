"""Ctrl-C while a program still imports what it needs, which for PyTorch takes seconds."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

from edge_caption.terminal.exit_code import INTERRUPTED


def end_in_a_line(*programs: str) -> None:
    """Let Ctrl-C end `python -m PROGRAM` with a line, until `python_raises` says otherwise.

    A package calls this before all else. Raised within an import, KeyboardInterrupt would be a page of traceback, and
    libraries make errors of their own of it.
    """
    # While Python looks for the module, this stands where the program's name will be.
    if sys.argv[:1] == ["-m"] and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        name = sys.orig_argv[sys.orig_argv.index("-m") + 1]
        if name in programs:
            signal.signal(signal.SIGINT, _end)


def python_raises() -> None:
    """Let Ctrl-C raise KeyboardInterrupt again: what is temporary must be removed from now on."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    os.write(2, b"\nstopped before it began\n")
    os._exit(INTERRUPTED)
