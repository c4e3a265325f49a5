"""A client's connections to a broker, one after the other, for something that lives on them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from edge_caption.backoff import Backoff
from edge_caption.errors import ConfigError
from edge_caption.mqtt.connection import Connection, Traffic
from edge_caption.mqtt.refusal import BrokenError, RefusedError, for_user, reason_of
from edge_caption.mqtt.selectable_event import SelectableEvent
from edge_caption.mqtt.settings import MqttSettings, renewed
from edge_caption.mqtt.tls import context

if TYPE_CHECKING:
    from ssl import SSLContext

log = logging.getLogger(__name__)

LASTING_S = 10.0
"""A connection that lasts so long ends the waits' growth."""

FIGHT_ROUNDS = 3
"""Connections in a row that the broker accepts and soon closes, before a namesake is suspected."""

FIGHT_WAIT_S = 30.0

FAREWELL_S = 10.0
"""How long an end waits for what is on its way."""

GLANCE_S = 0.1


class Peer(Protocol):
    """What lives on the connections. One thread calls it."""

    @property
    def idle(self) -> bool:
        """Whether nothing is on its way, so that it can end."""
        ...

    def begin(self, connection: Connection) -> None:
        """Take a new connection; what was on its way on the last one is not any more."""
        ...

    def turn(self, traffic: Traffic) -> float:
        """Handle what came and send what is to be sent; return how many seconds nothing needs to be done."""
        ...

    def retire(self) -> None:
        """Begin nothing new."""
        ...


class Line:
    """Connects again and again."""

    def __init__(
        self, mqtt: MqttSettings, name: str, attention: SelectableEvent, unacknowledged: int | None = None
    ) -> None:
        """Take where to.

        Args:
            mqtt: the broker and how to log in.
            name: the client id.
            attention: set it, and the peer's `turn` is called soon.
            unacknowledged: as of `Connection`.
        """
        self._mqtt, self._name = mqtt, name
        self._attention, self._unacknowledged = attention, unacknowledged
        self._connected_once = self._accepted = False
        self._down_told: set[bool] = set()
        """Whether this outage was told, and whether that it needs somebody."""

    def keep(self, peer: Peer, ended: Callable[[], bool]) -> None:
        """Serve a peer until the end, over any number of connections.

        Raises:
            ConfigError: the broker refused the first login, or the peer raised it.
        """
        backoff, short = Backoff(1, 60), 0
        while not ended():
            began, self._accepted, explained = time.monotonic(), False, False
            try:
                self._serve(peer, ended)
            except RefusedError as refusal:
                if not self._connected_once:
                    raise ConfigError(str(refusal)) from None
                self._tell_down(refusal)
            except (OSError, BrokenError) as error:
                explained = isinstance(error, BrokenError) and error.explained
                self._tell_down(error)
            if time.monotonic() - began > LASTING_S:
                backoff.reset()
                short = 0
            elif self._accepted and not explained:
                short += 1
                # Mosquitto 2.0.11 just closes the connection of the one thrown out.
                if short == FIGHT_ROUNDS:
                    self._tell_fight()
                    backoff.raise_to(FIGHT_WAIT_S)
            self._pause(backoff.next_s(), ended)

    def _serve(self, peer: Peer, ended: Callable[[], bool]) -> None:
        mqtt = renewed(self._mqtt)
        own = self._name, None, self._attention
        connection = Connection(mqtt.broker, mqtt.version, *own, self._tls(), self._unacknowledged)
        politely = False
        try:
            connection.open(ended)
            self._connected_once = self._accepted = True
            self._down_told.clear()
            log.info("connected to the broker %s", mqtt.broker)
            peer.begin(connection)
            _live(connection, peer, ended)
            politely = True
        finally:
            connection.close(politely=politely)

    def _tls(self) -> SSLContext | None:
        mqtt = self._mqtt
        try:
            return context(mqtt.ca_file, mqtt.cert_file, mqtt.key_file) if mqtt.broker.tls else None
        except ConfigError as error:
            if not self._connected_once:
                raise
            raise BrokenError(str(error)) from None  # files that were good: they are being replaced

    def _pause(self, seconds: float, ended: Callable[[], bool]) -> None:
        until = time.monotonic() + seconds
        while not ended() and (left := until - time.monotonic()) > 0:
            self._attention.wait(min(left, GLANCE_S))

    def _tell_fight(self) -> None:
        log.error(
            "another client called %s may throw this one out of %s again and again; give each a name of its own",
            self._name,
            self._mqtt.broker,
        )

    def _tell_down(self, error: Exception) -> None:
        """Once per outage, and once more where it needs somebody."""
        if for_user(error) not in self._down_told:
            reason = reason_of(error, tls=self._mqtt.broker.tls)
            log.warning("the broker %s is not reachable (%s); it is tried again", self._mqtt.broker, reason)
        self._down_told.add(for_user(error))


def _live(connection: Connection, peer: Peer, ended: Callable[[], bool]) -> None:
    wait_s = 0.0
    while not ended():
        wait_s = peer.turn(connection.step(wait_s))
    peer.retire()
    until = time.monotonic() + FAREWELL_S
    while not peer.idle and time.monotonic() < until:
        peer.turn(connection.step(GLANCE_S))
