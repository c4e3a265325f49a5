"""`edge-caption doctor mqtt`: find out what is wrong on the way to the broker."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from edge_caption.commands.broker_options import add_broker_options, broker_options
from edge_caption.commands.values import name, path
from edge_caption.terminal.output import say

if TYPE_CHECKING:
    from edge_caption.mqtt.doctor import Finding

SIGNS = {"ok": "ok     ", "warning": "warning", "problem": "PROBLEM"}


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "mqtt",
        help="examine the way to the broker",
        description=f"{__doc__} It logs in beside the running node and sends an empty message to each of its topics.",
    )
    parser.add_argument("--config", type=path, metavar="FILE", help="the settings of the node")
    parser.add_argument("--state-dir", type=path, metavar="FOLDER", help="its state directory")
    parser.add_argument("--node", type=name("--node"), metavar="NAME", help="its name")
    parser.add_argument("--prefix", type=name("--prefix"), metavar="NAME", help="what its topics begin with")
    parser.add_argument("--camera", type=name("--camera"), metavar="NAME", help="its camera")
    parser.add_argument("--json", action="store_true", help="print one JSON object for each finding")
    add_broker_options(parser)
    parser.set_defaults(handler=handle)


def handle(args: argparse.Namespace) -> int:
    """Print findings as they come.

    Returns:
        0; 1 when there is a problem.
    """
    from edge_caption.config import load
    from edge_caption.mqtt.doctor import Uses, examine
    from edge_caption.mqtt.topics import Topics
    from edge_caption.node.identity import node_name

    options = {
        "node": args.node,
        "prefix": args.prefix,
        "state_dir": args.state_dir,
        "camera": {"name": args.camera},
        "mqtt": broker_options(args),
    }
    settings = load(args.config, options)
    topics = Topics(settings.prefix, node_name(settings.node, settings.state_dir))
    problems = 0
    alerts = {
        camera.name: [alert.name for alert in settings.alerts if camera.name in (alert.cameras or (camera.name,))]
        for camera in settings.cameras
    }
    discovery = settings.home_assistant.prefix if settings.home_assistant.enabled else None
    for finding in examine(settings.mqtt, Uses(topics, alerts, settings.update.public_key is not None, discovery)):
        _show(finding, as_json=args.json)
        problems += finding.severity == "problem"
    return 1 if problems else 0


def _show(finding: Finding, *, as_json: bool) -> None:
    if as_json:
        import json

        say(json.dumps(asdict(finding), ensure_ascii=False))
        return
    say(f"{SIGNS[finding.severity]}  {finding.about:<9}  {finding.said}")
    if finding.fix:
        say(f"                    -> {finding.fix}")
