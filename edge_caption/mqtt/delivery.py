"""From the outbox and the retained values into a connection, and the answers back."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field

from edge_caption.errors import OutboxError
from edge_caption.mqtt.connection import Answer, BrokenError, Connection
from edge_caption.mqtt.retained import Retained
from edge_caption.mqtt.topics import Topics
from edge_caption.outbox import Message, Outbox

log = logging.getLogger(__name__)

WINDOW = 16
"""Outbox messages on their way at once; this many at most come twice after a kill."""

ANSWER_TIMEOUT_S = 20.0
"""A connection that acknowledges nothing for so long is given up, however healthy it looks."""

PACKET_OVERHEAD = 16
"""Bytes around topic and payload in a PUBLISH packet, rounded up."""


@dataclass
class _Flight:
    """What one connection has sent and not had an answer for, by the message number."""

    messages: dict[int, Message] = field(default_factory=dict)

    retained: dict[int, str] = field(default_factory=dict)

    since: dict[int, float] = field(default_factory=dict)
    """Monotonic seconds, oldest first."""

    window: int = 1
    """Outbox messages that may be on their way. One until the first answer: a broker that closes the connection over a
    denied message is then heard out, as writing to a closed socket would throw its answer away."""

    after: int = 0
    """The sequence up to which this connection has sent the outbox."""


class Delivery:
    """Knows what is to be sent, over any number of connections one after the other. For one thread."""

    def __init__(self, topics: Topics, outbox: Outbox, retained: Retained) -> None:
        """Take the sources."""
        self.acknowledged = 0
        """Messages of the outbox that the broker took."""
        self._topics = topics
        self._outbox = outbox
        self._retained = retained
        self._flight = _Flight()
        self._settled: set[int] = set()
        self._denied: dict[str, str] = {}
        self._complained: set[str] = set()

    def begin(self, connection: Connection) -> None:
        """Send through this connection from now on; what the last one left unanswered is sent again."""
        self._connection = connection
        self._flight = _Flight()

    def retry_rejected(self) -> None:
        """Try again what the broker rejected: a quota or an access list may have changed."""
        self._denied.clear()
        self._outbox.retry_rejected()
        self._flight.after = 0

    @property
    def idle(self) -> bool:
        """Whether everything is sent and answered."""
        waiting = self._retained.waiting or self._outbox.pending(self._flight.after, 1)
        return not self._flight.since and not waiting

    def send(self) -> None:
        """Send what the window allows.

        Raises:
            BrokenError: the connection has ended.
            OutboxError: the outbox cannot be read.
        """
        for topic, payload in self._retained.take(set(self._flight.retained.values())):
            self._flight.retained[self._publish(topic, payload, retain=True)] = topic
        flight = self._flight
        room = min(flight.window - len(flight.messages), self._connection.receive_maximum - len(flight.since))
        if room > 0:
            self._send_outbox(room)

    def settle(self, answers: list[Answer]) -> None:
        """Forget what the broker took, park what it does not want.

        Raises:
            BrokenError: answers are overdue.
        """
        for answer in answers:
            self._flight.since.pop(answer.mid, None)
            topic = self._flight.retained.pop(answer.mid, None)
            message = self._flight.messages.pop(answer.mid, None)
            if message:
                self._flight.window = WINDOW
            if topic and answer.rejected:
                self._complain(topic, answer.rejected)
            elif message and answer.rejected:
                self._refuse(message, answer)
            elif message:
                self._settled.add(message.sequence)
                self.acknowledged += 1
        self._forget_settled()
        oldest = next(iter(self._flight.since.values()), None)
        if oldest is not None and time.monotonic() - oldest > ANSWER_TIMEOUT_S:
            raise BrokenError(f"it has acknowledged nothing for {ANSWER_TIMEOUT_S:g} s")

    def _send_outbox(self, room: int) -> None:
        # After retry_rejected what is on its way may be read once more.
        done = self._settled | {message.sequence for message in self._flight.messages.values()}
        for message in self._outbox.pending(self._flight.after, room):
            self._flight.after = message.sequence
            if message.sequence in done:
                continue
            topic = self._topic(message)
            limit = self._connection.maximum_packet
            if topic in self._denied:
                self._reject(message, self._denied[topic])
            elif len(topic.encode()) + len(message.payload) + PACKET_OVERHEAD > limit:
                self._reject(message, f"larger than the {limit} bytes it allows")
            else:
                self._flight.messages[self._publish(topic, message.payload, retain=False)] = message

    def _publish(self, topic: str, payload: bytes, *, retain: bool) -> int:
        mid = self._connection.publish(topic, payload, retain=retain)
        self._flight.since[mid] = time.monotonic()
        return mid

    def _forget_settled(self) -> None:
        if not self._settled:
            return
        try:
            self._outbox.delete(self._settled)
        except OutboxError as error:
            # They are delivered; a full disk must not make them be sent over and over.
            log.debug("%s", error)
        else:
            self._settled.clear()

    def _refuse(self, message: Message, answer: Answer) -> None:
        assert answer.rejected
        if answer.denied:
            # The next one would be denied too, and Mosquitto 2.0.11 with `max_queued_messages 0` closes the
            # connection at each.
            self._denied[self._topic(message)] = answer.rejected
        self._reject(message, answer.rejected)

    def _reject(self, message: Message, reason: str) -> None:
        self._outbox.reject(message.sequence, reason)
        self._complain(self._topic(message), reason)

    def _complain(self, topic: str, reason: str) -> None:
        """Once per topic, as the next message would say the same."""
        if topic not in self._complained:
            log.error("the broker rejects %s (%s); messages for it are kept and tried again later", topic, reason)
        self._complained.add(topic)

    def _topic(self, message: Message) -> str:
        return f"{self._topics.root}/{message.topic}"
