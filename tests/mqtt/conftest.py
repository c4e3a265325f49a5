"""A client with an outbox, stopped in the end."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from edge_caption.mqtt.address import Address
from edge_caption.mqtt.client import Client
from edge_caption.mqtt.settings import MqttSettings
from edge_caption.mqtt.topics import Topics
from edge_caption.outbox import Outbox
from tests.brokers import Mosquitto, listener, mosquitto, running

__all__ = ["listener", "mosquitto"]

TOPICS = Topics("edge_caption", "pi")
Start = Callable[..., Client]
RunBroker = Callable[..., Mosquitto]


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    box = Outbox(tmp_path / "outbox.db")
    yield box
    box.close()


@pytest.fixture
def run_broker(tmp_path: Path) -> Iterator[RunBroker]:
    """Run a broker with configuration lines; it is stopped in the end."""
    with ExitStack() as stack:
        yield lambda *lines: stack.enter_context(contextmanager(running)(tmp_path, *lines))


@pytest.fixture
def start(outbox: Outbox) -> Iterator[Start]:
    """Start clients that are stopped in the end."""
    started: list[Client] = []

    def start(broker: str, box: Outbox = outbox, **settings: object) -> Client:
        client = Client(MqttSettings(broker=Address.parse(broker), **settings), TOPICS, box)  # type: ignore[arg-type]
        started.append(client)
        return client

    yield start
    for client in started:
        client.stop(0)


def commit(outbox: Outbox, count: int = 1) -> None:
    for _ in range(count):
        outbox.commit("cam/porch/event", lambda sequence: b'{"id":"pi:%d"}' % sequence)


class Silent:
    """A TCP server that passes traffic on to a broker until it falls silent, or that never says anything."""

    def __init__(self, target: int | None) -> None:
        self.target = target
        self.silent = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for each in (self._server, *self._open):
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            self._open.append(client)
            if self.target:
                broker = socket.create_connection(("127.0.0.1", self.target))
                self._open.append(broker)
                threading.Thread(target=self._pass, args=(client, broker, False), daemon=True).start()
                threading.Thread(target=self._pass, args=(broker, client, True), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, mute: bool) -> None:
        try:
            while data := source.recv(65536):
                if not (mute and self.silent.is_set()):
                    sink.sendall(data)
        except OSError:
            return


@pytest.fixture
def silent() -> Iterator[Callable[[int | None], Silent]]:
    servers: list[Silent] = []

    def make(target: int | None) -> Silent:
        servers.append(Silent(target))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


def sign(folder: Path, name: str, *more: str) -> tuple[Path, Path]:
    """Make a certificate that signed itself, and its key."""
    pem, key = folder / f"{name}.pem", folder / f"{name}.key"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1"
    command += f" -subj /CN={name} -keyout {key} -out {pem}"
    subprocess.run([*command.split(), *more], check=True, capture_output=True)
    key.chmod(0o644)
    return pem, key


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that nobody signed, and its key."""
    return sign(tmp_path, "broker", "-addext", "subjectAltName=IP:127.0.0.1")
