"""A real Mosquitto on a free port, and a client that remembers what it hears."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.broker import end_mosquitto
from edge_caption.mqtt.broker import free_port

# Debian puts it where only root's PATH looks.
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
WAIT_S = 15.0


def wait_for(what: Callable[[], Any], timeout_s: float = WAIT_S) -> Any:
    """Return the first true value, or fail."""
    until = time.monotonic() + timeout_s
    while not (value := what()):
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)
    return value


class Mosquitto:
    """A broker that can be killed and started again on its port, with its sessions."""

    def __init__(self, folder: Path, *lines: str) -> None:
        self.port = free_port()
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self._folder = folder
        self._config = folder / "mosquitto.conf"
        # user root: a broker that drops its rights cannot read pytest's folders.
        own = ["user root", "allow_anonymous true"] if not lines else ["user root", *lines]
        kept = ["persistence true", f"persistence_location {folder}/", "max_queued_messages 100000"]
        self._config.write_text("\n".join([f"listener {self.port} 127.0.0.1", "log_type all", *kept, *own, ""]))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert MOSQUITTO
        with (self._folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen([MOSQUITTO, "-c", self._config], stdout=log, stderr=log)
        wait_for(self._listens)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process:
            end_mosquitto(self._process, how)
        self._process = None

    def log(self) -> str:
        return (self._folder / "mosquitto.log").read_text()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Listener:
    """A subscriber with a session that outlives the broker's restarts."""

    def __init__(self, port: int, topic: str = "#", username: str | None = None, password: str | None = None) -> None:
        self.messages: list[MQTTMessage] = []
        self._ready = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, f"listener-{id(self)}", clean_session=False)
        self._client.reconnect_delay_set(1, 1)
        if username:
            self._client.username_pw_set(username, password)
        self._client.on_connect = lambda client, *_: client.subscribe(topic, 1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = lambda _client, _data, message: self.messages.append(message)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._ready.wait(WAIT_S)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self._client.publish(topic, payload, 1, retain).wait_for_publish(WAIT_S)

    def payloads(self, ending: str) -> list[bytes]:
        """Return what came on topics with this ending, in order."""
        return [
            bytes(message.payload)
            for message in list(self.messages)
            # What is retained comes again with every subscription.
            if message.topic.endswith(ending) and not message.retain
        ]

    def events(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(payload, type=dict[str, Any]) for payload in self.payloads("/event")]

    def sequences(self) -> set[int]:
        return {int(event["id"].rpartition(":")[2]) for event in self.events()}


def retained(port: int, topic: str = "#") -> dict[str, bytes]:
    """Return what a client that comes now finds."""
    listener = Listener(port, topic)
    time.sleep(0.3)
    listener.close()
    return {message.topic: bytes(message.payload) for message in listener.messages if message.retain}


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    yield from running(tmp_path)


def running(tmp_path: Path, *lines: str) -> Iterator[Mosquitto]:
    """Run a broker with its own configuration lines."""
    if not MOSQUITTO:
        pytest.skip("Mosquitto is not installed (Debian: apt-get install mosquitto)")
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    broker = Mosquitto(folder, *lines)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def listener(mosquitto: Mosquitto) -> Iterator[Listener]:
    heard = Listener(mosquitto.port)
    yield heard
    heard.close()
