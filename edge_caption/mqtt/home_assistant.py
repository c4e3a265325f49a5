"""Keeps Home Assistant informed: discovery, its restarts, and what it is to forget."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path

from edge_caption.files import write_whole
from edge_caption.mqtt.client import Client
from edge_caption.mqtt.publication import Received

log = logging.getLogger(__name__)


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
        before = _read(told)
        if before | discovery.keys():
            _write(told, before | discovery.keys())
        for topic in before - discovery.keys():
            # An empty retained message removes the device (and the message).
            client.retain(topic, b"")
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


def _read(told: Path) -> set[str]:
    try:
        return set(json.loads(told.read_text("utf-8")))
    except FileNotFoundError:
        return set()
    except (OSError, ValueError, TypeError) as error:
        log.warning("%s can't be read (%s); Home Assistant may keep what is no more", told, error)
        return set()


def _write(told: Path, topics: set[str]) -> None:
    try:
        write_whole(told, json.dumps(sorted(topics)).encode())
    except OSError as error:
        log.warning("%s can't be written (%s); Home Assistant may keep what is no more", told, error.strerror)
