"""`edge-caption`: the command line. What it needs is imported once `main` has seen to Ctrl-C."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import TYPE_CHECKING

from edge_caption import __version__

if TYPE_CHECKING:
    from edge_caption.commands.parser import Parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code: 0, 1 for a failure, 2 for wrong usage, 130 for Ctrl-C.

    Args:
        argv: the arguments. None is the program itself, which Ctrl-C ends at once until the command sees to it: in the
            midst of a C library's import, KeyboardInterrupt would be a traceback or a crash.
    """
    if argv is None and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from edge_caption.terminal.exit_code import exit_code

    return exit_code("edge-caption", lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> int:
    args = parser().parse_args(argv)
    code: int = args.handler(args)
    return code


def parser() -> Parser:
    """Build the parser; each command adds its own part."""
    from edge_caption.commands import (
        annotate,
        bench,
        build_engine,
        caption,
        demo,
        doctor,
        find,
        model,
        run,
        search,
        serve,
        service,
        sign,
        status,
        update,
        watch,
        worker,
    )
    from edge_caption.commands.parser import Parser

    top = Parser("edge-caption", description="Say in a sentence what a camera sees, on the device.")
    top.add_argument("--version", action="version", version=f"edge-caption {__version__}")
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    for command in (
        caption,
        annotate,
        run,
        search,
        find,
        status,
        serve,
        watch,
        worker,
        service,
        doctor,
        demo,
        model,
        sign,
        update,
        build_engine,
        bench,
    ):
        command.add_parser(commands)
    return top
