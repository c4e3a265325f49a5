"""`edge-caption`: the command line. What it needs is imported once `main` has seen to Ctrl-C."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from edge_caption import __version__
from edge_caption.errors import EdgeCaptionError

if TYPE_CHECKING:
    from edge_caption.commands.parser import Parser

INTERRUPTED = 130
"""What a shell reports of a program that Ctrl-C ended: 128 + SIGINT."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code: 0, 1 for a failure, 2 for wrong usage, 130 for Ctrl-C.

    Args:
        argv: the arguments. None is the program itself, which Ctrl-C ends at once until the command sees to it: in the
            midst of a C library's import, KeyboardInterrupt would be a traceback or a crash.
    """
    if argv is None and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from edge_caption.commands.output import discard_output, escape_unprintable

    escape_unprintable()
    try:
        return _run(argv)
    except EdgeCaptionError as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (`… | head`).
        discard_output()
        return 1
    except OSError as error:
        discard_output()
        return _fail(f"{error.filename or 'standard output'} can't be used ({error.strerror or error}); choose another")


def _run(argv: Sequence[str] | None) -> int:
    try:
        args = parser().parse_args(argv)
        code: int = args.handler(args)
        return code
    finally:
        # Left to the end of Python, a full disk would be found too late for a sentence.
        if sys.stdout:
            sys.stdout.flush()


def _fail(sentence: str) -> int:
    print(f"edge-caption: error: {sentence}", file=sys.stderr)
    return 1


def parser() -> Parser:
    """Build the parser; each command adds its own part."""
    from edge_caption.commands import build_engine, caption, demo, model, run
    from edge_caption.commands.parser import Parser

    top = Parser("edge-caption", description="Say in a sentence what a camera sees, on the device.")
    top.add_argument("--version", action="version", version=f"edge-caption {__version__}")
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    for command in (caption, run, demo, model, build_engine):
        command.add_parser(commands)
    return top
