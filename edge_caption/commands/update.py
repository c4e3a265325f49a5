"""`edge-caption update`: bring a signed bundle to nodes over MQTT."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from edge_caption.commands.broker_options import add_broker_options, broker_options
from edge_caption.commands.values import name
from edge_caption.errors import ConfigError, UpdateError
from edge_caption.terminal.numbers import positive
from edge_caption.terminal.output import complain, overwrite, say

if TYPE_CHECKING:
    from edge_caption.mqtt.push import Push
    from edge_caption.records import UpdateState

DOING = {
    "receiving": "receives",
    "testing": "tests it on photos",
    "trial": "makes its first captions",
    "offered": "has it",
    "idle": "is done",
}


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "update",
        help="bring a signed bundle to nodes over MQTT",
        description=f"{__doc__} A node that was cut off goes on where it was. docs/fleet.md.",
    )
    parser.add_argument(
        "update", metavar="FILE|URL", help="what `edge-caption sign` wrote, or where nodes can fetch it"
    )
    parser.add_argument(
        "--node", type=name("--node"), action="append", default=[], metavar="NAME", help="once for each node"
    )
    parser.add_argument("--all", action="store_true", help="every node that takes updates, one after the other")
    parser.add_argument("--prefix", type=name("--prefix"), default="edge_caption", metavar="NAME")
    parser.add_argument(
        "--offer", action="store_true", help="don't install it: Home Assistant or a command does, later"
    )
    parser.add_argument(
        "--patience", type=positive, default=60, metavar="SECONDS", help="without a word of a node (default: 60)"
    )
    add_broker_options(parser)
    parser.set_defaults(handler=handle)


def handle(args: argparse.Namespace) -> int:
    """Update one node after the other; returns 1 when one of them does not run the update, else 0."""
    from edge_caption.config import load
    from edge_caption.mqtt.push import Push, source_of

    if bool(args.node) == args.all:
        raise ConfigError("say which nodes: --node NAME, once for each, or --all")
    mqtt = load(None, {"mqtt": broker_options(args)}).mqtt
    push = Push(mqtt, args.prefix, source_of(args.update), install=not args.offer)
    nodes = args.node or push.nodes()
    if not nodes:
        raise UpdateError(f"no node below {args.prefix} on {mqtt.broker} takes updates; see docs/fleet.md")
    failed = [node for node in nodes if not _bring(push, node, args.patience)]
    if len(nodes) > 1:
        say(f"{len(nodes) - len(failed)} of {len(nodes)} nodes are done")
    return int(bool(failed))


def _bring(push: Push, node: str, patience_s: float) -> bool:
    state = None
    try:
        for state in push.bring(node, patience_s):
            _show(node, state)
    except UpdateError as error:
        complain(error if str(error).startswith(node) else f"{node}: {error}")
        return False
    done = "has it and waits for the word" if state and state.state == "offered" else "runs it"
    say(f"{node} {done}: {state.title if state else ''} {state.latest_version if state else ''}".rstrip())
    return True


def _show(node: str, state: UpdateState) -> None:
    if sys.stderr.isatty():
        percent = f" {state.update_percentage}%" if state.update_percentage is not None else ""
        overwrite(f"{node} {DOING[state.state]}{percent}")
