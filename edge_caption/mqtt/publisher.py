"""The thread that brings the outbox and the retained topics to the broker, over any number of connections."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field

from edge_caption.backoff import Backoff
from edge_caption.config import MqttSettings
from edge_caption.errors import ConfigError, OutboxError
from edge_caption.mqtt.connection import Answer, BrokenError, Connection, RefusedError, TakenOverError
from edge_caption.mqtt.topics import Topics
from edge_caption.mqtt.wake import Wake
from edge_caption.outbox import Message, Outbox

log = logging.getLogger(__name__)

WINDOW = 16
"""Outbox messages on their way at once; this many at most come twice after a kill."""

ANSWER_TIMEOUT_S = 20.0
"""A connection that acknowledges nothing for so long is given up, however healthy it looks."""

LASTING_S = 10.0
"""A connection that lasts so long ends the waits' growth."""

FIGHT_ROUNDS = 3
"""Connections in a row that the broker accepts and soon closes, before a namesake is suspected."""

FIGHT_WAIT_S = 30.0
"""Two clients with one name throw each other out at once; this long between two rounds spares the broker."""

RETRY_REJECTED_S = 600.0
"""How often messages that the broker rejected are tried again: a quota or an access list may have changed."""

FAREWELL_S = 2.0

PACKET_OVERHEAD = 16
"""Bytes around topic and payload in a PUBLISH packet, rounded up."""


@dataclass
class _Flight:
    """What one connection has sent and not had an answer for."""

    messages: dict[int, Message] = field(default_factory=dict)
    """By paho's message number."""

    retained: dict[int, str] = field(default_factory=dict)

    since: dict[int, float] = field(default_factory=dict)
    """Monotonic seconds, oldest first."""

    after: int = 0
    """The sequence up to which this connection has sent the outbox."""


class Publisher:
    """Publishes until stopped; every public method may be called from any thread and returns at once."""

    def __init__(self, settings: MqttSettings, topics: Topics, outbox: Outbox) -> None:
        """Start the thread; the first connection is made in it."""
        self.failure: ConfigError | None = None
        """Set when the broker refused the first login: trying again is of no use."""
        self.connections = 0
        """How many there have been."""
        self.acknowledged = 0
        """Messages of the outbox that the broker took."""
        self._settings = settings
        self._topics = topics
        self._outbox = outbox
        self._protocol = settings.protocol or ("3.1.1" if settings.broker.embedded else "5")
        self._backoff = Backoff(1, 60)
        self._wake = Wake()
        self._mutex = threading.Lock()
        self._retained: dict[str, bytes] = {}
        self._unsent: dict[str, None] = {}
        self._settled: set[int] = set()
        self._complained: set[str] = set()
        self._denied: dict[str, str] = {}
        self._short = 0
        self._down_told = False
        self._stop_at: float | None = None
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self._thread.start()

    def notice(self) -> None:
        """Say that something new is in the outbox."""
        self._wake.set()

    def retain(self, topic: str, payload: bytes) -> None:
        """Make this the newest value of a retained topic; values in between may never be sent."""
        with self._mutex:
            self._retained[topic] = payload
            self._unsent[topic] = None
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
            connection.open()
            self.connections += 1
            self._down_told = False
            log.info("connected to the broker %s with MQTT %s", self._settings.broker, self._protocol)
            self._greet()
            flight = _Flight()
            self._deliver(connection, flight)
            self._say_goodbye(connection, flight)
            politely = True
        finally:
            connection.close(politely=politely)

    def _greet(self) -> None:
        """Make every retained value, and what was rejected before, to be sent again: the broker may have been wiped."""
        if not self._short:
            self._retry_rejected()
        with self._mutex:
            self._retained = {self._topics.status: b"online", **self._retained}
            self._unsent = dict.fromkeys(self._retained)

    def _deliver(self, connection: Connection, flight: _Flight) -> None:
        retry_at = time.monotonic() + RETRY_REJECTED_S
        while not self._finished(flight):
            self._send_retained(connection, flight)
            self._send_outbox(connection, flight)
            self._settle(connection.step(1.0), flight)
            _check_answers(flight)
            if time.monotonic() > retry_at:
                retry_at = time.monotonic() + RETRY_REJECTED_S
                self._retry_rejected()
                flight.after = 0

    def _retry_rejected(self) -> None:
        self._denied.clear()
        self._outbox.retry_rejected()

    def _finished(self, flight: _Flight) -> bool:
        if self._stop_at is None:
            return False
        idle = not flight.since and not self._unsent and not self._outbox.pending(flight.after, 1)
        return idle or time.monotonic() > self._stop_at

    def _send_retained(self, connection: Connection, flight: _Flight) -> None:
        with self._mutex:
            # One at a time for each topic: the newest value replaces those that still wait.
            flying = set(flight.retained.values())
            now = [(topic, self._retained[topic]) for topic in self._unsent if topic not in flying]
            for topic, _ in now:
                del self._unsent[topic]
        for topic, payload in now:
            if topic in self._denied:
                continue
            mid = connection.publish(topic, payload, retain=True)
            flight.retained[mid] = topic
            flight.since[mid] = time.monotonic()

    def _send_outbox(self, connection: Connection, flight: _Flight) -> None:
        room = min(WINDOW - len(flight.messages), connection.receive_maximum - len(flight.since))
        if room <= 0:
            return
        flying = {message.sequence for message in flight.messages.values()}
        for message in self._outbox.pending(flight.after, room):
            flight.after = message.sequence
            if message.sequence in self._settled or message.sequence in flying:
                continue
            topic = self._topic(message)
            if topic in self._denied:
                self._reject(message, self._denied[topic])
                continue
            if len(topic.encode()) + len(message.payload) + PACKET_OVERHEAD > connection.maximum_packet:
                self._reject(message, f"larger than the {connection.maximum_packet} bytes it allows")
                continue
            mid = connection.publish(topic, message.payload, retain=False)
            flight.messages[mid] = message
            flight.since[mid] = time.monotonic()

    def _settle(self, answers: list[Answer], flight: _Flight) -> None:
        """Forget what the broker took, park what it does not want."""
        for answer in answers:
            flight.since.pop(answer.mid, None)
            topic = flight.retained.pop(answer.mid, None)
            message = flight.messages.pop(answer.mid, None)
            if message and answer.rejected and answer.denied:
                # The next one would be denied too, and Mosquitto 2.0.11 with `max_queued_messages 0` closes the
                # connection at each.
                self._denied[self._topic(message)] = answer.rejected
            if topic and answer.rejected:
                self._complain(topic, answer.rejected)
            elif message and answer.rejected:
                self._reject(message, answer.rejected)
            elif message:
                self._settled.add(message.sequence)
                self.acknowledged += 1
        self._forget_settled()

    def _forget_settled(self) -> None:
        if not self._settled:
            return
        try:
            self._outbox.delete(self._settled)
        except OutboxError as error:
            # They are delivered; a full disk must not make them be sent over and over.
            self._complain("outbox", str(error))
        else:
            self._settled.clear()

    def _reject(self, message: Message, reason: str) -> None:
        self._outbox.reject(message.sequence, reason)
        self._complain(self._topic(message), reason)

    def _topic(self, message: Message) -> str:
        return f"{self._topics.root}/{message.topic}"

    def _complain(self, topic: str, reason: str) -> None:
        """Once per topic, as the next message would say the same."""
        if topic not in self._complained:
            log.error("the broker rejects %s (%s); messages for it are kept and tried again later", topic, reason)
        self._complained.add(topic)

    def _say_goodbye(self, connection: Connection, flight: _Flight) -> None:
        """Publish offline before DISCONNECT, which keeps the will from being published."""
        mid = connection.publish(self._topics.status, b"offline", retain=True)
        flight.since[mid] = time.monotonic()
        until = time.monotonic() + FAREWELL_S
        while mid in flight.since and time.monotonic() < until:
            self._settle(connection.step(until - time.monotonic()), flight)


def _check_answers(flight: _Flight) -> None:
    oldest = next(iter(flight.since.values()), None)
    if oldest is not None and time.monotonic() - oldest > ANSWER_TIMEOUT_S:
        raise BrokenError(f"it has acknowledged nothing for {ANSWER_TIMEOUT_S:g} s")


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
