"""More cameras on one node, a backlog that drains, and memory over the bundle's size."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import to_builtins

from benchmarks.broker import Broker
from edge_caption.commands.measurement.frames import jpegs
from edge_caption.commands.measurement.loads import measure_load, measure_start
from edge_caption.errors import ConfigError
from edge_caption.model.bundle import open_bundle
from edge_caption.mqtt.address import Address
from edge_caption.mqtt.broker import HOST
from edge_caption.mqtt.client import Client
from edge_caption.mqtt.settings import MqttSettings
from edge_caption.mqtt.topics import Topics
from edge_caption.outbox import Outbox

PAYLOAD = 1500
"""Bytes of a caption's record, about."""

DRAIN_S = 600.0


class Extent(NamedTuple):
    """How much of everything."""

    cameras: Sequence[int]
    fps: float
    """Captions a second of each camera."""
    seconds: float
    """Of each number of cameras."""
    backlog: Sequence[int]


def measure(bundles: Sequence[Path], extent: Extent) -> dict[str, Any]:
    """Return what cameras, a backlog and larger bundles cost; the cameras share the first bundle."""
    with tempfile.TemporaryDirectory(prefix="edge-caption-scale-") as root:
        photos, model = Path(root), ["--bundle", str(bundles[0])]
        for number, data in enumerate(jpegs()):
            (photos / f"{number}.jpg").write_bytes(data)
        loads = [measure_load(photos, count, extent.fps, extent.seconds, model) for count in extent.cameras]
        return {
            "fps": extent.fps,
            "cameras": [to_builtins(load) for load in loads],
            "backlog": [measure_drain(count) for count in extent.backlog],
            "bundles": [_memory(bundle, photos) for bundle in bundles],
        }


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
    return {"bundle": bundle.folder.name, "bytes": size, **to_builtins(start)}
