"""Keeps Home Assistant informed: discovery, its restarts, and what it is to forget."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edge_caption.mqtt.client import Client
from edge_caption.mqtt.leftovers import remove_leftovers
from edge_caption.mqtt.publication import Received


class HomeAssistant:
    """Publishes discovery, again whenever Home Assistant starts."""

    def __init__(self, client: Client, prefix: str, discovery: Mapping[str, bytes], told: Path) -> None:
        """Publish, and have what was published earlier and is no more removed.

        Args:
            client: the connection.
            prefix: Home Assistant's.
            discovery: topics and payloads; empty where Home Assistant is to forget the node.
            told: the file that remembers the topics.
        """
        self._client = client
        self._discovery = discovery
        # An empty retained message removes the device, too.
        remove_leftovers(client, told, discovery)
        if discovery:
            self._publish()
            client.subscribe(f"{prefix}/status", self._receive)

    def _publish(self) -> None:
        for topic, payload in self._discovery.items():
            self._client.retain(topic, payload)

    def _receive(self, message: Received) -> None:
        """Home Assistant says that it has started; without retained messages it knows nothing."""
        if message.payload == b"online":
            self._client.resend(first=self._discovery)
