"""Hears all nodes on a broker."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edge_caption.errors import ConfigError
from edge_caption.mqtt.connection import Connection, Traffic
from edge_caption.mqtt.watching.fleet import Fleet

REFRESH_S = 0.25


class Watcher:
    """Lives on a `Line`."""

    def __init__(self, fleet: Fleet, show: Callable[[Sequence[str]], None]) -> None:
        """Take what learns, and what shows it: called with new lines, and without any several times a second."""
        self._fleet, self._show = fleet, show
        self._subscriptions: dict[int, str] = {}

    @property
    def idle(self) -> bool:
        """Nothing is ever on its way."""
        return True

    def begin(self, connection: Connection) -> None:
        """Subscribe."""
        self._subscriptions = {connection.subscribe(each): each for each in self._fleet.filters}

    def retire(self) -> None:
        """There is nothing to end."""

    def turn(self, traffic: Traffic) -> float:
        """Show what came.

        Raises:
            ConfigError: the broker does not want the subscription.
        """
        for answer in traffic.answers:
            topics = self._subscriptions.pop(answer.mid, None)
            if topics and answer.rejected:
                raise ConfigError(f"the broker lets nobody read {topics} ({answer.rejected}); let this user read it")
        self._show([line for message in traffic.messages for line in self._fleet.take(message)])
        return REFRESH_S
