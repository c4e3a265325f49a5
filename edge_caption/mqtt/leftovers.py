"""Retained topics of an earlier run that are no more: a broker keeps them for ever unless somebody takes them away."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection
from pathlib import Path

import msgspec

from edge_caption.files import write_whole
from edge_caption.mqtt.client import Client

log = logging.getLogger(__name__)


def remove_leftovers(client: Client, file: Path, topics: Collection[str]) -> set[str]:
    """Have the broker forget the topics that were once retained and are no more, and return these.

    They are removed at each start: nobody knows which broker has heard of it.

    Args:
        client: the connection.
        file: remembers every topic that was ever retained.
        topics: those of now.
    """
    before = _read(file)
    if before | set(topics) != before:
        _write(file, before | set(topics))
    gone = before - set(topics)
    for topic in sorted(gone):
        client.retain(topic, b"")  # an empty retained message is none
    return gone


def _read(file: Path) -> set[str]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=set[str])
    except FileNotFoundError:
        return set()
    except (OSError, msgspec.DecodeError, UnicodeError) as error:
        log.warning("%s can't be read (%s); the broker may keep what is no more", file, error)
        return set()


def _write(file: Path, topics: Collection[str]) -> None:
    try:
        write_whole(file, json.dumps(sorted(topics)).encode())
    except OSError as error:
        log.warning("%s can't be written (%s); the broker may keep what is no more", file, error.strerror)
