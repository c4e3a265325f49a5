"""The newest value of each retained topic, and whether the broker has it."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable

from edge_caption.mqtt.publication import Publication


class Retained:
    """Values that replace each other: one that waits for the broker gives way to a newer one. For any thread."""

    def __init__(self) -> None:
        """Begin without values."""
        self._mutex = threading.Lock()
        self._values: dict[str, Publication] = {}
        self._unsent: dict[str, None] = {}

    def set(self, value: Publication) -> None:
        """Make this the value of its topic."""
        with self._mutex:
            self._values[value.topic] = value
            self._unsent[value.topic] = None

    def renew(self, first: Publication) -> None:
        """Make this a value and everything unsent, this first: a new connection may be to a wiped broker."""
        with self._mutex:
            self._values.pop(first.topic, None)
            self._values = {first.topic: first, **self._values}
            self._unsent = dict.fromkeys(self._values)

    def resend(self, topics: Iterable[str]) -> None:
        """Make these unsent again."""
        with self._mutex:
            self._unsent.update(dict.fromkeys(topic for topic in topics if topic in self._values))

    def resend_all(self, first: Iterable[str]) -> None:
        """Make everything unsent again, some topics first."""
        with self._mutex:
            self._unsent = dict.fromkeys([*(topic for topic in first if topic in self._values), *self._values])

    def take(self, flying: Collection[str], most: int) -> list[Publication]:
        """Return values to send now; those of topics with one on its way wait."""
        with self._mutex:
            ready = [topic for topic in self._unsent if topic not in flying][: max(0, most)]
            for topic in ready:
                del self._unsent[topic]
            return [self._values[topic] for topic in ready]

    @property
    def waiting(self) -> bool:
        """Whether something is unsent."""
        return bool(self._unsent)
