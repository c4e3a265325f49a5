"""The newest value of each retained topic, and whether the broker has it."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable


class Retained:
    """Values that replace each other: one that waits for the broker gives way to a newer one. For any thread."""

    def __init__(self) -> None:
        """Begin without values."""
        self._mutex = threading.Lock()
        self._values: dict[str, bytes] = {}
        self._unsent: dict[str, None] = {}

    def set(self, topic: str, payload: bytes) -> None:
        """Make this the value."""
        with self._mutex:
            self._values[topic] = payload
            self._unsent[topic] = None

    def renew(self, topic: str, payload: bytes) -> None:
        """Make this the value and everything unsent, this first: a new connection may be to a wiped broker."""
        with self._mutex:
            self._values = {topic: payload, **{other: self._values[other] for other in self._values if other != topic}}
            self._unsent = dict.fromkeys(self._values)

    def resend(self, topics: Iterable[str]) -> None:
        """Make these unsent again."""
        with self._mutex:
            self._unsent.update(dict.fromkeys(topic for topic in topics if topic in self._values))

    def take(self, flying: Collection[str], most: int) -> list[tuple[str, bytes]]:
        """Return topics and values to send now; those on their way wait, so that each topic has one at a time."""
        with self._mutex:
            ready = [topic for topic in self._unsent if topic not in flying][: max(0, most)]
            for topic in ready:
                del self._unsent[topic]
            return [(topic, self._values[topic]) for topic in ready]

    @property
    def waiting(self) -> bool:
        """Whether something is unsent."""
        return bool(self._unsent)
