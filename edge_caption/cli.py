"""`edge-caption`: the command line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from edge_caption import __version__
from edge_caption.commands import build_engine, caption, demo, model, run
from edge_caption.errors import EdgeCaptionError

INTERRUPTED = 130
"""What a shell reports of a program that Ctrl-C ended: 128 + SIGINT."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code: 0, 1 for a failure, 2 for wrong usage, 130 for Ctrl-C."""
    args = parser().parse_args(argv)
    try:
        code: int = args.handler(args)
        return code
    except EdgeCaptionError as error:
        print(f"edge-caption: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (`… | head`); Python would complain once more when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def parser() -> argparse.ArgumentParser:
    """Build the parser; each command adds its own part."""
    top = argparse.ArgumentParser("edge-caption", description="Say in a sentence what a camera sees, on the device.")
    top.add_argument("--version", action="version", version=f"edge-caption {__version__}")
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    for command in (caption, run, demo, model, build_engine):
        command.add_parser(commands)
    return top
