"""`python -m benchmarks soak`: a node for hours. Does memory grow, do threads or descriptors leak, is a caption lost?

A real node with several cameras publishes to a real broker (mosquitto); a subscriber counts what arrives and finds gaps
in the ids. Now and then the broker goes and comes back. Half of the cameras show photos, the others are in the network
and go through all their faults.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.apart import cameras_apart
from benchmarks.broker import Broker
from edge_caption.commands.measurement.frames import jpegs
from edge_caption.commands.measurement.process import NODE, NodeProcess, running
from edge_caption.errors import ConfigError
from edge_caption.mqtt.broker import HOST
from tests.cameras.faulty import FAULTS, FaultyCamera

if TYPE_CHECKING:
    from typing_extensions import Self

SAMPLES = 200
"""Looks at the process over the whole time, at most."""

WARM_UP_S, WARM_UP = 600.0, 1 / 3
"""Growth is counted after ten minutes, or after a third of a shorter time."""

FAULT_S, FAULT = 30.0, 1 / 30
"""How long a camera's fault lasts, or what share of a shorter time."""

OUTAGE_S = 5.0

ANSWER_S = 10.0


def measure(seconds: float, cameras: int, fps: float, outages: int) -> dict[str, Any]:
    """Run the node so long.

    Raises:
        ConfigError: mosquitto is not installed, or the node failed.
    """
    with tempfile.TemporaryDirectory(prefix="edge-caption-soak-") as root:
        for number, data in enumerate(jpegs()):
            (Path(root) / f"{number}.jpg").write_bytes(data)
        broker = Broker(Path(root))
        with broker.serving(), Subscriber(broker.port) as subscriber:
            with (
                cameras_apart(_break_cameras, cameras // 2, seconds) as urls,
                running(_sources(root, cameras, urls), fps, broker=f"mqtt://{HOST}:{broker.port}") as node,
            ):
                node.wait_for(1)
                samples = _watch(node, broker, seconds, outages)
                printed = node.captions
                node.end()
            subscriber.wait_quiet()
            return _figures(samples, seconds, cameras, fps, outages) | subscriber.figures(printed)


def _sources(folder: str, cameras: int, urls: list[str]) -> list[str]:
    addresses = [*urls, *[folder] * (cameras - len(urls))]
    return [f"camera-{number}={address}" for number, address in enumerate(addresses)]


def _break_cameras(count: int, seconds: float, connection: Connection) -> None:
    """Serve cameras, each with all faults one after the other."""
    cameras = [FaultyCamera() for _ in range(count)]
    connection.send([camera.url for camera in cameras])
    fault_s = min(FAULT_S, seconds * FAULT)
    healthy_s = seconds / (len(FAULTS) * max(count, 1) + 1) - fault_s
    for fault in FAULTS:
        for camera in cameras:
            time.sleep(max(healthy_s, 0))
            camera.begin(fault)
            time.sleep(fault_s)
            camera.end()
    threading.Event().wait()


class Subscriber:
    """Takes every caption, over all outages."""

    def __init__(self, port: int) -> None:
        """Connect."""
        self.sequences: list[int] = []
        self.ages_ms: list[float] = []
        self.kinds: Counter[str] = Counter()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="soak", clean_session=False)
        self._subscribed = threading.Event()
        self._client.on_message = self._take
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_connect = lambda client, *_: client.subscribe(f"edge_caption/{NODE}/cam/+/event", qos=1)
        self._client.reconnect_delay_set(1, 1)
        self._client.connect_async(HOST, port)

    def __enter__(self) -> Self:
        self._client.loop_start()
        # What is published before nobody keeps for it.
        if not self._subscribed.wait(ANSWER_S):
            raise ConfigError("mosquitto does not answer; run it by hand to see why")
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def wait_quiet(self) -> None:
        """Wait until nothing has come for a second."""
        before = -1
        while before != len(self.sequences):
            before = len(self.sequences)
            time.sleep(1)

    def figures(self, printed: int) -> dict[str, Any]:
        """Return what arrived; a gap in the ids is a caption that was lost."""
        whole = set(range(1, max(self.sequences, default=0) + 1))
        return {
            "captions_printed": printed,
            "captions_arrived": len(set(self.sequences)),
            "duplicates": len(self.sequences) - len(set(self.sequences)),
            "lost": len(whole - set(self.sequences)),
            "events": dict(self.kinds),
            "age_ms": {
                "p50": round(statistics.median(self.ages_ms), 1),
                "max": round(max(self.ages_ms), 1),
            },
        }

    def _take(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        record = msgspec.json.decode(message.payload)
        self.sequences.append(int(record["id"].rpartition(":")[2]))
        self.kinds[record["event_type"]] += 1
        if "age_ms" in record:
            self.ages_ms.append(record["age_ms"])


def _watch(node: NodeProcess, broker: Broker, seconds: float, outages: int) -> list[dict[str, float]]:
    began, samples = time.monotonic(), []
    failures = [(number + 1) * seconds / (outages + 1) for number in range(outages)]
    while (now := time.monotonic() - began) < seconds:
        if failures and now >= failures[0]:
            failures.pop(0)
            threading.Thread(target=_fail, args=(broker,), daemon=True).start()
        samples.append({"s": round(now, 1), **_look(node.pid)})
        time.sleep(max(seconds / SAMPLES, 0.2))
    return samples


def _fail(broker: Broker) -> None:
    # Killed, it would lose what it has acknowledged since it last wrote its file: its loss, not the node's.
    broker.end()
    time.sleep(OUTAGE_S)
    broker.start()


def _look(pid: int) -> dict[str, float]:
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    return {
        "rss_mb": round(int(lines["VmRSS"].split()[0]) * 1024 / 1e6, 2),
        "threads": int(lines["Threads"]),
        "descriptors": sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()),
    }


def _figures(samples: list[dict[str, float]], seconds: float, cameras: int, fps: float, outages: int) -> dict[str, Any]:
    steady = [sample for sample in samples if sample["s"] >= min(WARM_UP_S, WARM_UP * seconds)]
    if not steady:
        raise ConfigError("too little was measured; soak for longer")
    hours = (steady[-1]["s"] - steady[0]["s"]) / 3600
    slope = _slope([sample["s"] / 3600 for sample in steady], [sample["rss_mb"] for sample in steady])
    return {
        "hours": round(seconds / 3600, 3),
        "cameras": cameras,
        "fps": fps,
        "broker_outages": outages,
        "counted_hours": round(hours, 3),
        "rss_mb": {"first": steady[0]["rss_mb"], "last": steady[-1]["rss_mb"], "growth_per_hour": round(slope, 2)},
        "counted_from_s": steady[0]["s"],
        "threads": [steady[0]["threads"], steady[-1]["threads"]],
        "most": {name: max(sample[name] for sample in steady) for name in ("rss_mb", "threads", "descriptors")},
        "descriptors": [steady[0]["descriptors"], steady[-1]["descriptors"]],
        "samples": {name: [sample[name] for sample in samples] for name in samples[0]},
    }


def _slope(times: list[float], values: list[float]) -> float:
    """Return the slope of the least-squares line."""
    return float(statistics.linear_regression(times, values).slope)
