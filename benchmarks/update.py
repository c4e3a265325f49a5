"""Does an update of the shipped bundle's size arrive over cuts at random moments?

A real node captions and publishes to a real broker (mosquitto), and `edge-caption update`'s sender brings it a bundle.
Whenever as many bytes have come as the seed says, the node is killed, the network cut, or the broker restarted.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.broker import Broker
from benchmarks.faults.proxy import Proxy
from benchmarks.soak import Subscriber
from edge_caption.commands.measurement.process import NODE
from edge_caption.files import write_whole
from edge_caption.model.bundle import DIGEST, MANIFEST, digest_line, open_bundle
from edge_caption.model.selftest import PHOTOS
from edge_caption.model.signed import new_key, read_key, sign
from edge_caption.mqtt.address import Address
from edge_caption.mqtt.broker import HOST
from edge_caption.mqtt.push import Push, source_of
from edge_caption.mqtt.settings import MqttSettings

VERSION = "1000"

PATIENCE_S = 60.0


def measure(bundle: Path, cuts: int, seed: int) -> dict[str, Any]:
    """Update a node with another version of its own bundle.

    Raises:
        ConfigError: mosquitto is not installed.
        UpdateError: the node refuses the update, or says nothing for too long.
    """
    with tempfile.TemporaryDirectory(prefix="edge-caption-update-") as root:
        folder = Path(root)
        public, update = _make_update(bundle, folder)
        broker = Broker(folder)
        with broker.serving(), Subscriber(broker.port) as subscriber:
            fleet = _Fleet(folder, bundle, public, broker, seed)
            try:
                began = time.monotonic()
                bytes_sent = fleet.update(update, cuts)
                seconds = time.monotonic() - began
            finally:
                fleet.close()
            subscriber.wait_quiet()
            arrived = subscriber.figures(0)
        tracebacks = (folder / "log").read_text().count("Traceback")
    return {
        "bytes": bytes_sent,
        "cuts": dict(sorted(fleet.cuts.items())),
        "seed": seed,
        "seconds": round(seconds, 1),
        "installed_version": fleet.installed,
        "captions_and_events": arrived["captions_arrived"],
        "lost": arrived["lost"],
        "tracebacks": tracebacks,
    }


def _make_update(bundle: Path, folder: Path) -> tuple[str, Path]:
    """Return the public key, and the update file of the bundle with another version."""
    copy = Path(shutil.copytree(bundle, folder / "bundle"))
    manifest = msgspec.json.decode((copy / MANIFEST).read_bytes(), type=dict[str, Any])
    data = msgspec.json.encode({**manifest, "version": VERSION})
    (copy / MANIFEST).write_bytes(data)
    (copy / DIGEST).write_bytes(digest_line(hashlib.sha256(data).hexdigest()))
    public = new_key(folder / "key")
    sign(open_bundle(copy), read_key(folder / "key"), folder / "update")
    return public, folder / "update"


class _Fleet:
    """One node, its way to the broker, and what befalls them."""

    def __init__(self, folder: Path, bundle: Path, public: str, broker: Broker, seed: int) -> None:
        self._chance = random.Random(seed)
        self._broker = broker
        self._proxy = Proxy(broker.port)
        self._log = (folder / "log").open("a+b")
        settings: dict[str, dict[str, Any]] = {
            "camera": {"source": str(PHOTOS), "fps": 20, "loop": True},
            "mqtt": {"broker": f"mqtt://{HOST}:{self._proxy.port}", "commands": True},
            "model": {"bundle": str(bundle), "threads": 1},
            "update": {"public_key": public},
        }
        self._settings = folder / "settings.toml"
        lines = [f"node = {_toml(NODE)}", f"state_dir = {_toml(str(folder / 'state'))}"]
        for section, values in settings.items():
            lines += [f"[{section}]", *(f"{name} = {_toml(value)}" for name, value in values.items())]
        write_whole(self._settings, "\n".join(lines).encode())
        self.cuts: Counter[str] = Counter()
        self.installed = ""
        self._start()

    def update(self, file: Path, cuts: int) -> int:
        """Bring the update; return its bytes."""
        push = Push(
            MqttSettings(broker=Address(HOST, self._broker.port)), "edge_caption", source_of(str(file)), install=True
        )
        size = file.stat().st_size
        at = sorted(self._chance.randrange(size) for _ in range(cuts))
        for state in push.bring(NODE, PATIENCE_S):
            self.installed = state.installed_version
            if at and (state.next >= at[0] or state.state != "receiving"):
                at.pop(0)
                self._cut()
        return size

    def close(self) -> None:
        """End the node."""
        self._node.terminate()
        self._node.wait()
        self._proxy.close()
        self._log.close()

    def _start(self) -> None:
        command = [sys.executable, "-m", "benchmarks.faults.node", "run", "--config", str(self._settings)]
        self._node = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=self._log)

    def _cut(self) -> None:
        how = self._chance.choice(("node killed", "network cut", "broker restarted"))
        self.cuts[how] += 1
        if how == "node killed":
            self._node.kill()
            self._node.wait()
            self._start()
        elif how == "network cut":
            self._proxy.cut()
        else:
            # Killed, it would lose what it has acknowledged since it last wrote its file: its loss, not the node's.
            self._broker.end()
            self._broker.start()


def _toml(value: object) -> str:
    """Write a text, a number or a truth: JSON's form is TOML's."""
    return msgspec.json.encode(value).decode()
