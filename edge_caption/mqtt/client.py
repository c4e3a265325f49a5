"""The thread that brings the outbox and the retained topics to the broker, over any number of connections."""

from __future__ import annotations

import logging
import threading
import time

from edge_caption.backoff import Backoff
from edge_caption.errors import ConfigError, OutboxError
from edge_caption.mqtt.connection import BrokenError, Connection, RefusedError, TakenOverError
from edge_caption.mqtt.delivery import Delivery
from edge_caption.mqtt.retained import Retained
from edge_caption.mqtt.selectable_event import SelectableEvent
from edge_caption.mqtt.settings import MqttSettings
from edge_caption.mqtt.topics import Topics
from edge_caption.outbox import Outbox

log = logging.getLogger(__name__)

LASTING_S = 10.0
"""A connection that lasts so long ends the waits' growth."""

FIGHT_ROUNDS = 3
"""Connections in a row that the broker accepts and soon closes, before a namesake is suspected."""

FIGHT_WAIT_S = 30.0
"""Two clients with one name throw each other out at once; this long between two rounds spares the broker."""

RETRY_REJECTED_S = 600.0
"""How often messages that the broker rejected are tried again: a quota or an access list may have changed."""

FAREWELL_S = 2.0


class Client:
    """Publishes until stopped; every public method may be called from any thread and returns at once."""

    def __init__(self, settings: MqttSettings, topics: Topics, outbox: Outbox) -> None:
        """Start the thread; the first connection is made in it."""
        self.failure: ConfigError | None = None
        """Set when the broker refused the first login: trying again is of no use."""
        self.connections = 0
        """How many there have been."""
        self._settings = settings
        self._topics = topics
        self._outbox = outbox
        self._protocol = settings.protocol or ("3.1.1" if settings.broker.embedded else "5")
        self._backoff = Backoff(1, 60)
        self._wake = SelectableEvent()
        self._retained = Retained()
        self._delivery = Delivery(topics, outbox, self._retained)
        self._short = 0
        self._down_told = False
        self._stop_at: float | None = None
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self._thread.start()

    @property
    def acknowledged(self) -> int:
        """Messages of the outbox that the broker took."""
        return self._delivery.acknowledged

    def notice(self) -> None:
        """Say that something new is in the outbox."""
        self._wake.set()

    def retain(self, topic: str, payload: bytes) -> None:
        """Make this the newest value of a retained topic; values in between may never be sent."""
        self._retained.set(topic, payload)
        self._wake.set()

    def stop(self, flush_s: float) -> bool:
        """Send for at most `flush_s` seconds what is waiting, say offline and disconnect; return whether it ended."""
        self._stop_at = time.monotonic() + flush_s
        self._wake.set()
        self._thread.join(flush_s + FAREWELL_S + 1)
        ended = not self._thread.is_alive()
        if ended:
            self._wake.close()
        return ended

    def _run(self) -> None:
        """Connect again and again; nothing may end this thread but `stop` and a refused first login."""
        while self._stop_at is None and self.failure is None:
            began, connections = time.monotonic(), self.connections
            try:
                self._serve()
            except RefusedError as refusal:
                self._refuse(str(refusal))
            except TakenOverError:
                self._tell_fight("throws this one out")
            except (OSError, BrokenError, OutboxError) as error:
                if self._stop_at is None:
                    self._tell_down(_reason(error))
            except Exception:
                log.exception("unexpected; the connection to the broker is made anew")
            self._judge(time.monotonic() - began, accepted=self.connections > connections)
            self._pause(self._backoff.next_s())

    def _refuse(self, reason: str) -> None:
        if self.connections:
            self._tell_down(reason)
        else:
            self.failure = ConfigError(reason)

    def _judge(self, lasted_s: float, *, accepted: bool) -> None:
        """Learn from how a connection went."""
        if lasted_s > LASTING_S:
            self._backoff.reset()
            self._short = 0
        elif accepted:
            self._short += 1
            # MQTT 3.1.1 and some MQTT 5 brokers (Mosquitto 2.0.11) just close the connection of the one thrown out.
            if self._short == FIGHT_ROUNDS:
                self._tell_fight("may throw this one out")

    def _tell_fight(self, does: str) -> None:
        log.error(
            "another client called %s connects to %s and %s again and again; give each its own --node",
            self._name,
            self._settings.broker,
            does,
        )
        self._backoff.raise_to(FIGHT_WAIT_S)

    @property
    def _name(self) -> str:
        return f"{self._topics.prefix}-{self._topics.node}"

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while self._stop_at is None and (left := until - time.monotonic()) > 0:
            self._wake.wait(left)

    def _tell_down(self, reason: str) -> None:
        """Once per outage."""
        if not self._down_told:
            log.warning(
                "the broker %s is not reachable (%s); captions are kept in %s and sent later",
                self._settings.broker,
                reason,
                self._outbox.path.parent,
            )
        self._down_told = True

    def _serve(self) -> None:
        """Live through one connection; returns after a polite end."""
        ca_file = self._settings.ca_file
        connection = Connection(
            self._settings.broker,
            self._protocol,
            self._name,
            self._topics.status,
            self._wake,
            ca_file=str(ca_file) if ca_file else None,
        )
        politely = False
        try:
            connection.open(lambda: self._stop_at is not None)
            self.connections += 1
            self._down_told = False
            log.info("connected to the broker %s with MQTT %s", self._settings.broker, self._protocol)
            self._greet(connection)
            self._deliver(connection)
            self._say_goodbye(connection)
            politely = True
        finally:
            connection.close(politely=politely)

    def _greet(self, connection: Connection) -> None:
        self._delivery.begin(connection)
        # A broker that closes the connection over a rejected message would do so for ever.
        if not self._short:
            self._delivery.retry_rejected()
        self._retained.renew(self._topics.status, b"online")

    def _deliver(self, connection: Connection) -> None:
        retry_at = time.monotonic() + RETRY_REJECTED_S
        while not self._finished:
            self._delivery.send()
            self._delivery.settle(connection.step(1.0))
            if time.monotonic() > retry_at:
                retry_at = time.monotonic() + RETRY_REJECTED_S
                self._delivery.retry_rejected()

    @property
    def _finished(self) -> bool:
        return self._stop_at is not None and (time.monotonic() > self._stop_at or self._delivery.idle)

    def _say_goodbye(self, connection: Connection) -> None:
        """Publish offline before DISCONNECT, which keeps the will from being published."""
        mid = connection.publish(self._topics.status, b"offline", retain=True)
        until = time.monotonic() + FAREWELL_S
        while time.monotonic() < until:
            answers = connection.step(until - time.monotonic())
            self._delivery.settle(answers)
            if mid in [answer.mid for answer in answers]:
                return


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
