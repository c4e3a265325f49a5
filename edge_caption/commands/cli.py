"""`edge-caption`: the command line. What it needs is imported once `main` has seen to Ctrl-C."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from edge_caption import __version__

if TYPE_CHECKING:
    from edge_caption.commands.parser import Parser


COMMANDS = (
    *(
        "caption",
        "annotate",
        "run",
        "search",
        "find",
        "status",
        "serve",
        "watch",
        "worker",
        "service",
        "doctor",
        "demo",
    ),
    *("model", "sign", "update", "build-engine", "bench"),
)
"""Each is a module of this package, in the order of the help."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code: 0, 1 for a failure, 2 for wrong usage, 130 for Ctrl-C.

    Args:
        argv: the arguments. None is the program itself, which Ctrl-C ends at once until the command sees to it: in the
            midst of a C library's import, KeyboardInterrupt would be a traceback or a crash.
    """
    if argv is None and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from edge_caption.terminal.exit_code import exit_code, leave

    code = exit_code("edge-caption", lambda: _run(argv))
    if argv is None:
        leave(code)
    return code


def _run(argv: Sequence[str] | None) -> int:
    given = sys.argv[1:] if argv is None else list(argv)
    args = parser(given[0] if given else None).parse_args(given)
    code: int = args.handler(args)
    return code


def parser(command: str | None = None) -> Parser:
    """Build the parser; each command adds its own part.

    Args:
        command: the only one to import, if it is one; the others cost a start of this one their time.
    """
    from edge_caption.commands.parser import Parser

    top = Parser("edge-caption", description="Say in a sentence what a camera sees, on the device.")
    top.add_argument("--version", action="version", version=f"edge-caption {__version__}")
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    for name in (command,) if command in COMMANDS else COMMANDS:
        import_module(f"edge_caption.commands.{name.replace('-', '_')}").add_parser(commands)
    return top
