"""`python -m benchmarks scale`: more cameras on one node, a backlog that drains, and memory over the bundle's size."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from benchmarks.broker import Broker
from benchmarks.report import report
from edge_caption.commands.measurement.frames import jpegs
from edge_caption.commands.measurement.loads import measure_load, measure_start
from edge_caption.errors import ConfigError
from edge_caption.model.bundle import DEFAULT, open_bundle
from edge_caption.mqtt.address import Address
from edge_caption.mqtt.broker import HOST
from edge_caption.mqtt.client import Client
from edge_caption.mqtt.settings import MqttSettings
from edge_caption.mqtt.topics import Topics
from edge_caption.outbox import Outbox
from edge_caption.terminal.numbers import positive, rate

PAYLOAD = 1500
"""Bytes of a caption's record, about."""

DRAIN_S = 600.0


def add_parser(benchmarks: Any) -> None:
    """Register the command."""
    parser = benchmarks.add_parser("scale", help="cameras on one node, draining a backlog, memory over bundle size")
    parser.add_argument("--cameras", type=positive, nargs="+", default=[1, 2, 4, 8, 16], metavar="N")
    parser.add_argument("--fps", type=rate, default=5.0, help="captions a second of each (default: %(default)s)")
    parser.add_argument("--seconds", type=rate, default=8.0, help="of each number (default: %(default)s)")
    parser.add_argument("--backlog", type=positive, nargs="+", default=[1000, 10_000], metavar="N")
    parser.add_argument("--bundles", type=Path, nargs="+", default=[DEFAULT], metavar="FOLDER")
    parser.add_argument("--save", action="store_true", help="also write benchmarks/results/scale.json, and a plot")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure and print; returns 0."""
    with tempfile.TemporaryDirectory(prefix="edge-caption-scale-") as root:
        photos = Path(root)
        for number, data in enumerate(jpegs()):
            (photos / f"{number}.jpg").write_bytes(data)
        figures = {
            "fps": args.fps,
            "cameras": [to_builtins(measure_load(photos, count, args.fps, args.seconds)) for count in args.cameras],
            "backlog": [measure_drain(count) for count in args.backlog],
            "bundles": [_memory(folder, photos) for folder in args.bundles],
        }
    report("scale", figures, save=args.save)
    return 0


def measure_drain(messages: int) -> dict[str, float]:
    """Put so many messages on disk, then start a client; return how fast a real broker has acknowledged all.

    Raises:
        ConfigError: mosquitto is not installed, or does not take them.
    """
    with tempfile.TemporaryDirectory(prefix="edge-caption-scale-") as root:
        outbox = Outbox(Path(root) / "outbox.db")
        broker = Broker(Path(root))
        try:
            for _ in range(messages):
                outbox.commit("cam/camera/event", lambda sequence: b"%d " % sequence + bytes(PAYLOAD))
            with broker.serving():
                client = Client(MqttSettings(broker=Address(HOST, broker.port)), Topics("scale", "node"), outbox)
                spent = _drained(outbox)
                client.stop(1.0)
        finally:
            outbox.close()
    return {"messages": messages, "seconds": round(spent, 3), "per_s": round(messages / spent, 1)}


def _drained(outbox: Outbox) -> float:
    started = time.perf_counter()
    while outbox.depth:
        if time.perf_counter() - started > DRAIN_S:
            raise ConfigError("the backlog does not drain; run mosquitto by hand to see why")
        time.sleep(0.002)
    return time.perf_counter() - started


def _memory(folder: Path, photos: Path) -> dict[str, Any]:
    bundle = open_bundle(folder)
    start = measure_start(photos, 3, ["--bundle", str(folder)])
    size = sum(bundle.bytes_of(bundle.default_flavour()).values())
    return {"bundle": f"{bundle.manifest.name} {bundle.manifest.version}", "bytes": size, **to_builtins(start)}
