"""`edge-caption search WORDS`: find captions that were kept with --history."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from edge_caption.commands.values import checked, name, path
from edge_caption.errors import ConfigError
from edge_caption.history.when import moment
from edge_caption.terminal.numbers import positive
from edge_caption.terminal.output import say

if TYPE_CHECKING:
    from edge_caption.history.search import Entry


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "search", help="find captions of the past (kept by run --history)", description=f"{__doc__} docs/history.md"
    )
    parser.add_argument("words", nargs="*", metavar="WORD", help='all must occur; "in quotes": side by side')
    parser.add_argument(
        "--since", type=checked(moment), metavar="WHEN", help="today, yesterday, monday, 14:30, 2h or a date"
    )
    parser.add_argument("--until", type=checked(moment), metavar="WHEN", help="the same")
    parser.add_argument("--camera", metavar="NAME", help="only what this camera saw")
    parser.add_argument("--limit", type=positive, default=20, metavar="N", help="how many (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("--config", type=path, metavar="FILE", help="the settings that the node was started with")
    parser.add_argument("--state-dir", type=path, metavar="FOLDER", help="its state directory")
    parser.add_argument("--node", type=name("--node"), metavar="NAME", help="only what this node kept")
    parser.set_defaults(handler=handle)


def handle(args: argparse.Namespace) -> int:
    """Print the newest captions that fit, newest first; returns 0."""
    from edge_caption.config import load
    from edge_caption.history.search import Query, search

    settings = load(args.config, {"node": args.node, "state_dir": args.state_dir})
    query = Query(" ".join(args.words) or None, args.camera, args.since, args.until, args.limit)
    found = search(_files(settings.state_dir, settings.node), query)
    if not found:
        say("edge-caption: no caption fits; try fewer words or a longer time", file=sys.stderr)
    for entry in found:
        say(msgspec.json.encode(entry).decode() if args.json else _line(entry))
    return 0


def _files(state_dir: Path, node: str | None) -> Sequence[Path]:
    from edge_caption.history.tables import history_path

    files = sorted(state_dir.glob("nodes/*/history.db")) if node is None else [history_path(state_dir, node)]
    if not any(file.exists() for file in files):
        raise ConfigError(
            f"no history is kept in {state_dir}; start `edge-caption run` with --history, or give its --state-dir"
        )
    return files


def _line(entry: Entry) -> str:
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.captured_at))
    return f"{clock}  {entry.camera}  {entry.caption}  ({entry.confidence:.0%})"
