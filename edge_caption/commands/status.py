"""`edge-caption status`: how the running node does."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from edge_caption.commands.values import name, path
from edge_caption.errors import ConfigError
from edge_caption.terminal.output import say

if TYPE_CHECKING:
    from edge_caption.records import CameraHealth, Health, Percentiles


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    parser = subparsers.add_parser("status", help="show how the running node does", description=__doc__)
    parser.add_argument("--config", type=path, metavar="FILE", help="the settings that the node was started with")
    parser.add_argument("--state-dir", type=path, metavar="FOLDER", help="its state directory")
    parser.add_argument("--node", type=name("--node"), metavar="NAME", help="its name")
    parser.add_argument("--json", action="store_true", help="print the health record")
    parser.set_defaults(handler=handle)


def handle(args: argparse.Namespace) -> int:
    """Ask the node and print its answer; returns 0."""
    from edge_caption.config import load
    from edge_caption.node.identity import outbox_path, stored_name
    from edge_caption.node.status_socket import ask, socket_path
    from edge_caption.records import encode

    settings = load(args.config, {"node": args.node, "state_dir": args.state_dir})
    node = settings.node or stored_name(settings.state_dir)
    if node is None:
        raise ConfigError(f"no node has run with the state directory {settings.state_dir}; give its --state-dir")
    health = ask(socket_path(outbox_path(settings.state_dir, node)))
    if args.json:
        say(encode(health).decode())
        return 0
    for line in _lines(health):
        say(line)
    return 0


def _lines(health: Health) -> list[str]:
    facts = {
        "node": f"{health.node}, up for {_duration(health.uptime_s)}",
        "captions": f"{health.captions}, {health.fps:g} a second; {health.silenced} held back",
        "latency": _times(health.latency_ms),
        "stages": ", ".join(f"{stage} {found.p50:g} ms" for stage, found in health.stages_ms.items())
        or "no caption yet",
        "age": _times(health.age_ms),
        "outbox": f"{health.outbox_depth} wait, {health.outbox_rejected} rejected, {health.outbox_dropped} dropped",
        "reconnects": f"broker {health.broker_reconnects}, cameras {health.camera_reconnects}",
        "memory": f"{health.rss_mb:g} MB, processor {health.cpu_percent:g}% of a core",
        "disk": _known(health.disk_free_mb, "MB free"),
        "temperature": _known(health.temperature_c, "°C") + (", throttled" if health.throttled else ""),
        "budget": _budget(health),
        "power": _known(health.power_w, "W") + f", {_known(health.joules_per_caption, 'J a caption')}",
    }
    return [*(f"{name:<12} {fact}" for name, fact in facts.items()), *map(_camera, *_columns(health))]


def _columns(health: Health) -> tuple[list[str], list[CameraHealth]]:
    return list(health.cameras), list(health.cameras.values())


def _camera(name: str, camera: CameraHealth) -> str:
    state = camera.state or ("online" if camera.online else "offline")
    counts = [f"{camera.captions} captions", f"{camera.fps:g} a second", f"{camera.reconnects} reconnects"]
    held = [f"{gate} {count}" for gate, count in camera.held.items()]
    return ", ".join([f"{name:<12} {state}", *counts]) + (f"; held back: {', '.join(held)}" if held else "")


def _budget(health: Health) -> str:
    if health.cpu_share_allowed is None:
        return "no limit"
    slowed = f", which slows captions down ({health.slowed_by})" if health.slowed_by else ""
    return f"{health.cpu_share_allowed:.0%} of all cores{slowed}"


def _duration(seconds: float) -> str:
    minutes, hours = int(seconds // 60) % 60, int(seconds // 3600)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {int(seconds % 60)} s"


def _times(found: Percentiles | None) -> str:
    return f"{found.p50:g} ms, 95% within {found.p95:g} ms, at most {found.max:g} ms" if found else "no caption yet"


def _known(value: float | None, unit: str) -> str:
    return "not known" if value is None else f"{value:g} {unit}"
