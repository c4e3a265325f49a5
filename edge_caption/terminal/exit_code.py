"""How a command ends: an exit code, and a sentence where Python would give a traceback."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
from collections.abc import Callable

from edge_caption.errors import EdgeCaptionError
from edge_caption.terminal.output import complain, discard_output, escape_unprintable

INTERRUPTED = 130
"""What a shell reports of a program that Ctrl-C ended: 128 + SIGINT."""


def exit_code(program: str, work: Callable[[], int]) -> int:
    """Do a command's work; returns its exit code, 1 for what the user can mend or an output that fails, 130 for Ctrl-C.

    Args:
        program: what an error's sentence begins with.
        work: the command.
    """
    escape_unprintable()
    try:
        return _flushed(work)
    except EdgeCaptionError as error:
        sentence = str(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (`… | head`).
        discard_output()
        return 1
    except OSError as error:
        # Of a write that fails, Python does not say where to.
        what = error.filename or ("standard output" if _output_fails() else "a file")
        discard_output()
        sentence = f"{what} can't be used ({error.strerror or error}); choose another"
    complain(sentence, program)
    return 1


def leave(code: int) -> None:
    """End the process here where a thread is left behind, such as one that hangs in a camera's driver.

    Up to Python 3.13 a thread that comes out of a C++ library while Python ends aborts the program.
    """
    if not any(thread.daemon for thread in threading.enumerate()):
        return
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    atexit._run_exitfuncs()
    os._exit(code)


def _flushed(work: Callable[[], int]) -> int:
    try:
        return work()
    finally:
        # Left to the end of Python, a full disk would be found too late for a sentence.
        if sys.stdout:
            sys.stdout.flush()


def _output_fails() -> bool:
    """Whether what could not be written to standard output still waits to be."""
    try:
        if sys.stdout:
            sys.stdout.flush()
    except OSError:
        return True
    return False
