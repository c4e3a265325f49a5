"""From a caption to the broker: what the node's thread waits for, and how fast and in what order a backlog drains.

The backlog drains in a process of its own, whose memory is watched: `python -m benchmarks.delivery FOLDER PORT`.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.broker import Broker
from edge_caption.errors import ConfigError
from edge_caption.model.caption import Caption, ModelIdentity, Word
from edge_caption.mqtt.address import Address
from edge_caption.mqtt.broker import HOST
from edge_caption.mqtt.client import Client
from edge_caption.mqtt.settings import MqttSettings
from edge_caption.mqtt.topics import Topics
from edge_caption.node.journal import Journal
from edge_caption.outbox import Outbox
from edge_caption.records import encode

TOPICS = Topics("edge_caption", "pi")

SENTENCE = "a black dog and a white dog play with a red ball on the green grass"

DRAIN_S = 900.0

QUIET_S = 30.0
"""Without a message for so long, the subscriber is not waited for any more."""


def measure(captions: int, pause_s: float, backlog: int) -> dict[str, Any]:
    """Return the figures of publishing, and of a backlog.

    Args:
        captions: that are published one after the other.
        pause_s: between two of them.
        backlog: captions that wait for the broker.

    Raises:
        ConfigError: mosquitto is not installed, or does not take them.
    """
    return {"publish": _measure_publish(captions, pause_s), "backlog": _measure_backlog(backlog)}


def _caption() -> Caption:
    attention = np.full((9, 9), 1 / 81, np.float32)
    words = tuple(Word(word, -0.5, attention) for word in SENTENCE.split())
    model = ModelIdentity("benchmark", "0" * 64, "cpu-x86", "onnxruntime", "1")
    return Caption(SENTENCE, words, -8.0, 0.5, {"preprocess": 1.0, "encode": 10.0, "decode": 10.0}, model)


def _measure_publish(captions: int, pause_s: float) -> dict[str, Any]:
    """Do what the node's thread does with each caption, while the broker takes them."""
    commit, whole, caption = [], [], _caption()
    with tempfile.TemporaryDirectory(prefix="edge-caption-delivery-") as root:
        broker, disk = Broker(Path(root)), _sync_times(Path(root), captions // 10)
        with broker.serving():
            outbox = Outbox(Path(root) / "outbox.db")
            client = Client(MqttSettings(broker=Address(HOST, broker.port)), TOPICS, outbox)
            journal = Journal(outbox, TOPICS.node)
            _wait(lambda: client.connected, 10)
            for _ in range(captions):
                began = time.perf_counter()
                record = journal.write_caption("porch", caption, time.time(), 20.0, 0)
                commit.append(time.perf_counter() - began)
                client.retain(TOPICS.caption("porch"), encode(record))
                client.notice()
                whole.append(time.perf_counter() - began)
                time.sleep(pause_s)
            _wait(lambda: not outbox.depth, 60)
            client.stop(1.0)
            outbox.close()
    return {
        "captions": captions,
        "synchronous": "FULL",
        "disk_sync_ms": disk,
        "commit_ms": _percentiles(commit),
        "publish_ms": _percentiles(whole),
    }


def _sync_times(folder: Path, times: int) -> dict[str, float]:
    """Append a caption's bytes to a bare file and sync them: what the disk asks of everybody."""
    took = []
    with (folder / "bare").open("wb", buffering=0) as file:
        for _ in range(max(10, times)):
            began = time.perf_counter()
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    return _percentiles(took)


def _percentiles(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(1000 * each for each in seconds)
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    return {name: round(ordered[int(share * (len(ordered) - 1))], 3) for name, share in shares.items()} | {
        "max": round(ordered[-1], 3)
    }


def _measure_backlog(captions: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="edge-caption-delivery-") as root:
        bytes_each = _fill(Path(root), captions)
        broker = Broker(Path(root))
        with broker.serving():
            arrived = _Arrived(broker.port, captions)
            command = [sys.executable, "-m", "benchmarks.delivery", root, str(broker.port)]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
            arrived.wait()
    drained: dict[str, Any] = json.loads(done.stdout)
    return {
        "captions": captions,
        "bytes_each": bytes_each,
        **drained,
        "per_s": round(captions / drained["seconds"], 1),
        "arrived": len(arrived.sequences),
        "in_order": arrived.sequences == list(range(1, captions + 1)),
    }


class _Unsynced(Outbox):
    """An outbox that is filled quickly: nobody cuts the power here."""

    @contextmanager
    def _transaction(self, *, durable: bool) -> Iterator[sqlite3.Connection]:
        with super()._transaction(durable=False) as database:
            yield database


def _fill(folder: Path, captions: int) -> int:
    """Put so many captions on disk; return the bytes of one."""
    outbox = _Unsynced(folder / "outbox.db", max_messages=captions, max_bytes=2**40)
    journal, caption = Journal(outbox, TOPICS.node), _caption()
    for _ in range(captions):
        record = journal.write_caption("porch", caption, time.time(), 20.0, 0)
    outbox.close()
    return len(encode(record))


class _Arrived:
    """A subscriber that notes each sequence in the order of arrival."""

    def __init__(self, port: int, expected: int) -> None:
        self.sequences: list[int] = []
        self._expected = expected
        ready = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, "delivery")
        self._client.on_message = self._take
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.connect(HOST, port)
        self._client.subscribe(TOPICS.event("+"), 1)
        self._client.loop_start()
        ready.wait(10)

    def wait(self) -> None:
        """Wait until all are here, or none comes any more."""
        before, since = 0, time.monotonic()
        while len(self.sequences) < self._expected and time.monotonic() - since < QUIET_S:
            if len(self.sequences) != before:
                before, since = len(self.sequences), time.monotonic()
            time.sleep(0.05)
        self._client.disconnect()
        self._client.loop_stop()

    def _take(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        record = msgspec.json.decode(message.payload, type=dict[str, Any])
        self.sequences.append(int(record["id"].rpartition(":")[2]))


def _drain(folder: Path, port: int) -> dict[str, float]:
    """Bring everything to the broker; watch this process's memory meanwhile."""
    outbox = Outbox(folder / "outbox.db", max_messages=10**9, max_bytes=2**40)
    before = most = _rss_mb()
    began = time.perf_counter()
    client = Client(MqttSettings(broker=Address(HOST, port)), TOPICS, outbox)
    while outbox.depth and time.perf_counter() - began < DRAIN_S:
        most = max(most, _rss_mb())
        time.sleep(0.02)
    seconds = time.perf_counter() - began
    if outbox.depth:
        raise ConfigError("the backlog does not drain; run mosquitto by hand to see why")
    client.stop(1.0)
    outbox.close()
    return {"seconds": round(seconds, 2), "rss_before_mb": before, "rss_growth_mb": round(most - before, 2)}


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * 4096 / 1e6, 2)


def _wait(what: Any, seconds: float) -> None:
    until = time.monotonic() + seconds
    while not what():
        if time.monotonic() > until:
            raise ConfigError("mosquitto does not take captions; run it by hand to see why")
        time.sleep(0.005)


if __name__ == "__main__":
    print(json.dumps(_drain(Path(sys.argv[1]), int(sys.argv[2]))))
