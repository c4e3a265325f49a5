"""The thread that talks to the broker, over any number of connections: what goes out, and what comes in."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import replace

from edge_caption.backoff import Backoff
from edge_caption.errors import ConfigError, OutboxError
from edge_caption.mqtt.connection import Connection, Traffic
from edge_caption.mqtt.delivery import Delivery
from edge_caption.mqtt.inbox import Handler, Inbox
from edge_caption.mqtt.publication import Publication
from edge_caption.mqtt.refusal import BrokenError, RefusedError, TakenOverError, UnsupportedError, for_user, reason_of
from edge_caption.mqtt.retained import Retained
from edge_caption.mqtt.selectable_event import SelectableEvent
from edge_caption.mqtt.settings import MqttSettings, renewed
from edge_caption.mqtt.tls import context
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
    """Publishes and receives until stopped; every public method may be called from any thread and returns at once."""

    def __init__(self, settings: MqttSettings, topics: Topics, outbox: Outbox) -> None:
        """Start the thread; the first connection is made in it."""
        self.failure: ConfigError | None = None
        """Set when the broker refused the first login: trying again is of no use."""
        self.connections = 0
        """How many there have been."""
        self._settings = settings
        self._topics = topics
        self._outbox = outbox
        self._protocol = settings.version
        self._backoff = Backoff(1, 60)
        self._attention = SelectableEvent()
        self._inbox = Inbox()
        self._retained = Retained()
        self._delivery = Delivery(topics, outbox, self._retained, self._inbox)
        self._will = Publication(topics.status, b"offline", retain=True)
        self._connected = False
        self._steady = True
        self._short = 0
        self._down_told: set[bool] = set()
        """Whether this outage was told, and whether that it needs somebody."""
        self._stop_at: float | None = None
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self._thread.start()

    @property
    def reconnects(self) -> int:
        """Connections after the first."""
        return max(0, self.connections - 1)

    @property
    def connected(self) -> bool:
        """Whether the broker takes messages now."""
        return self._connected

    @property
    def acknowledged(self) -> int:
        """Messages of the outbox that the broker took."""
        return self._delivery.acknowledged

    def notice(self) -> None:
        """Say that something new is in the outbox."""
        self._attention.set()

    def retain(self, topic: str, payload: bytes, expiry_s: int | None = None) -> None:
        """Make this the newest value of a retained topic; values in between may never be sent.

        Args:
            topic: whose value it is.
            payload: the value.
            expiry_s: after so many seconds the broker forgets it (MQTT 5).
        """
        self._retained.set(Publication(topic, payload, retain=True, expiry_s=expiry_s))
        self._attention.set()

    def resend(self, first: Iterable[str]) -> None:
        """Publish the value of every retained topic again, these first: who listens has forgotten them."""
        self._retained.resend_all(first)
        self._attention.set()

    def publish(self, publication: Publication) -> bool:
        """Send something that is worth nothing later; return False where there is no connection to send it through."""
        if self._connected:
            self._delivery.passing.put(publication)
            self._attention.set()
        return self._connected

    def subscribe(self, topic_filter: str, handler: Handler) -> None:
        """Have a handler called with what is published on matching topics, from now on and over all connections.

        It runs on the thread that talks to the broker, so it must be quick. One that raises harms nobody.
        """
        self._inbox.subscribe(topic_filter, handler)
        self._attention.set()

    def stop(self, flush_s: float) -> bool:
        """Send for at most `flush_s` seconds what is waiting, say offline and disconnect; return whether it ended."""
        self._stop_at = time.monotonic() + flush_s
        self._attention.set()
        self._thread.join(flush_s + FAREWELL_S + 1)
        ended = not self._thread.is_alive()
        if ended:
            self._attention.close()
        return ended

    def _run(self) -> None:
        """Connect again and again; nothing may end this thread but `stop` and a refused first login."""
        while self._stop_at is None and self.failure is None:
            began, connections, explained = time.monotonic(), self.connections, False
            try:
                self._serve()
            except RefusedError as refusal:
                self._refuse(refusal)
            except TakenOverError:
                self._delivery.excuse()
                self._tell_fight("throws this one out")
            except UnsupportedError as error:
                if self._do_without(error.lacks):
                    continue
            except (OSError, BrokenError, OutboxError, ConfigError) as error:
                explained = isinstance(error, BrokenError) and error.explained
                if self._stop_at is None:
                    self._tell_down(error)
            except Exception:
                log.exception("unexpected; the connection to the broker is made anew")
            self._judge(time.monotonic() - began, accepted=self.connections > connections and not explained)
            self._pause(self._backoff.next_s())

    def _refuse(self, refusal: RefusedError) -> None:
        if self.connections:
            self._tell_down(refusal)
        else:
            self.failure = ConfigError(str(refusal))

    def _do_without(self, lacks: str) -> bool:
        """Change the will so that the broker takes it; return whether that leaves something to try."""
        before = self._will
        self._will = replace(before, retain=False) if lacks == "retain" else replace(before, qos=0)
        if self._will == before:
            self._tell_down(BrokenError(f"it does not support {lacks}"))
        return self._will != before

    def _judge(self, lasted_s: float, *, accepted: bool) -> None:
        """Learn from how a connection went; one that was closed for a known reason is no fight."""
        self._steady = lasted_s > LASTING_S
        if self._steady:
            self._backoff.reset()
            self._short = 0
        # What a broker closes over a message is no fight.
        elif accepted and not self._delivery.unanswered:
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
            self._attention.wait(left)

    def _tell_down(self, error: Exception) -> None:
        """Once per outage, and once more where it needs somebody."""
        if for_user(error) not in self._down_told:
            log.warning(
                "the broker %s is not reachable (%s); captions are kept in %s and sent later",
                self._settings.broker,
                reason_of(error, tls=self._settings.broker.tls),
                self._outbox.path.parent,
            )
        self._down_told.add(for_user(error))

    def _serve(self) -> None:
        """Live through one connection; returns after a polite end."""
        settings = renewed(self._settings)
        tls = context(settings.ca_file, settings.cert_file, settings.key_file) if settings.broker.tls else None
        connection = Connection(
            settings.broker,
            self._protocol,
            self._name,
            self._will,
            self._attention,
            tls,
        )
        politely = False
        try:
            connection.open(lambda: self._stop_at is not None)
            self.connections += 1
            self._down_told.clear()
            log.info("connected to the broker %s with MQTT %s", self._settings.broker, self._protocol)
            self._greet(connection)
            self._deliver(connection)
            self._say_goodbye(connection)
            politely = True
        finally:
            self._connected = False
            connection.close(politely=politely)

    def _greet(self, connection: Connection) -> None:
        self._delivery.begin(connection)
        # A broker that closes the connection over a rejected message would do so for ever.
        if self._steady:
            self._delivery.retry_rejected()
        self._inbox.renew()
        self._retained.renew(replace(self._will, payload=b"online"))
        self._connected = True

    def _deliver(self, connection: Connection) -> None:
        retry_at = time.monotonic() + RETRY_REJECTED_S
        while not self._finished:
            self._delivery.send()
            self._receive(connection.step(1.0))
            if time.monotonic() > retry_at:
                retry_at = time.monotonic() + RETRY_REJECTED_S
                self._delivery.retry_rejected()

    def _receive(self, traffic: Traffic) -> None:
        self._delivery.settle(traffic.answers)
        for message in traffic.messages:
            self._inbox.deliver(message)

    @property
    def _finished(self) -> bool:
        return self._stop_at is not None and (time.monotonic() > self._stop_at or self._delivery.idle)

    def _say_goodbye(self, connection: Connection) -> None:
        """Publish offline before DISCONNECT, which keeps the will from being published."""
        mid = connection.publish(connection.limits.fit(self._will))
        until = time.monotonic() + FAREWELL_S
        while time.monotonic() < until:
            traffic = connection.step(until - time.monotonic())
            self._receive(traffic)
            if mid in [answer.mid for answer in traffic.answers]:
                return
