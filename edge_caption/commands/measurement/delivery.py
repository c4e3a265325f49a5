"""A caption's way out: to the disk, then to the broker and its acknowledgement back."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from edge_caption.errors import ConfigError
from edge_caption.model.caption import Caption
from edge_caption.mqtt.address import Address
from edge_caption.mqtt.client import Client
from edge_caption.mqtt.settings import MqttSettings
from edge_caption.mqtt.topics import Topics
from edge_caption.node.journal import Journal
from edge_caption.outbox import Outbox

PREFIX, NODE = "edge_caption_bench", "bench"
"""What topics begin with: apart from those of any node at work."""

ANSWER_S = 10.0
"""How long the broker may take to acknowledge a message."""


class Delivery:
    """An outbox in a temporary folder, and the client that empties it into a broker."""

    def __init__(self, outbox: Outbox, client: Client | None) -> None:
        """Take both; without a client captions stay on disk."""
        self._outbox, self._client = outbox, client
        self._journal = Journal(outbox, NODE)

    def commit(self, caption: Caption) -> float:
        """Put a caption on disk; returns milliseconds."""
        started = time.perf_counter()
        self._journal.write_caption("camera", caption, time.time(), 0.0, 0)
        return (time.perf_counter() - started) * 1000

    def publish(self) -> float:
        """Have the broker acknowledge what is on disk; returns milliseconds.

        Raises:
            ConfigError: it does not answer, or refuses the login.
        """
        assert self._client
        started = time.perf_counter()
        self._client.notice()
        while self._outbox.depth:
            if self._client.failure:
                raise self._client.failure
            if time.perf_counter() - started > ANSWER_S:
                raise ConfigError("the broker does not acknowledge captions; check --broker")
            time.sleep(0.0002)
        return (time.perf_counter() - started) * 1000


@contextmanager
def delivering(settings: MqttSettings) -> Iterator[Delivery]:
    """Connect to a broker until the block ends.

    Raises:
        ConfigError: the embedded broker can't start.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="edge-caption-bench-"))
        if settings.broker.embedded:
            from edge_caption.mqtt.broker import EmbeddedBroker

            stack.callback(EmbeddedBroker(settings.broker.port).close)
        outbox = stack.enter_context(_closing(Outbox(Path(folder) / "outbox.db")))
        client = Client(settings, Topics(PREFIX, NODE), outbox)
        stack.callback(client.stop, 1.0)
        yield Delivery(outbox, client)


@contextmanager
def committing() -> Iterator[Delivery]:
    """Put captions on disk, and publish none, until the block ends."""
    with (
        tempfile.TemporaryDirectory(prefix="edge-caption-bench-") as folder,
        _closing(Outbox(Path(folder) / "outbox.db")) as outbox,
    ):
        yield Delivery(outbox, None)


@contextmanager
def _closing(outbox: Outbox) -> Iterator[Outbox]:
    try:
        yield outbox
    finally:
        outbox.close()


def embedded() -> Address:
    """Return the address of an embedded broker on a free port."""
    from edge_caption.mqtt.broker import free_port

    return Address("127.0.0.1", free_port(), embedded=True)
