"""What a command prints: results on standard output, its log and errors on standard error.

Everything goes through `say`, or through the log, which `set_up_log` prepares: both escape what a terminal would obey.
"""

from __future__ import annotations

import codecs
import io
import logging
import os
import sys
from types import TracebackType
from typing import TextIO

from edge_caption.text import escape, printable

PROGRAM = "edge-caption"

ESCAPED = "edge_caption.escaped"
"""How a stream writes what its encoding lacks: Chinese on an ASCII terminal, as `\\u4e00`, which JSON reads back."""


def say(line: str, *, file: TextIO | None = None) -> None:
    """Print a line on standard output, at once.

    Raises:
        OSError: it can't be written; BrokenPipeError where nobody reads any more. It names the output.
    """
    try:
        print(printable(line), file=file, flush=True)
    except OSError as error:
        where = "standard error" if file is sys.stderr else "standard output"
        raise OSError(error.errno, error.strerror, where) from None


def overwrite(line: str) -> None:
    """Show progress on a terminal: what is printed next on standard error takes its place."""
    print(f"\r\033[K{printable(line)}\r", end="", file=sys.stderr, flush=True)


def complain(sentence: object, program: str = PROGRAM) -> None:
    """Print an error on standard error."""
    say(f"{program}: error: {sentence}", file=sys.stderr)


def escape_unprintable() -> None:
    """Let both outputs write what their encoding lacks, escaped, where Python would raise or write invalid JSON."""
    codecs.register_error(ESCAPED, _escape_unencodable)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ESCAPED)


def _escape_unencodable(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return escape(error.object[error.start : error.end]), error.end


def set_up_log() -> None:
    """Send the log to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter(f"{PROGRAM}: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


class _Formatter(logging.Formatter):
    """Escapes messages and tracebacks, which tell what brokers, cameras and files say."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the base class's name
        return printable(super().formatMessage(record))

    def formatException(  # noqa: N802
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        return "\n".join(map(printable, super().formatException(ei).split("\n")))


def discard_output() -> None:
    """Send standard output nowhere from now on; Python would complain once more when it flushes."""
    if sys.stdout:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
