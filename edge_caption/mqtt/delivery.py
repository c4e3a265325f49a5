"""Everything that is to be sent into a connection, and the answers back."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import NamedTuple

from edge_caption.errors import OutboxError
from edge_caption.mqtt.complaints import (
    ALLOW_READ,
    ALLOW_WRITE,
    MOST_TOPICS,
    OTHER_BROKER,
    RAISE_LIMIT,
    READ_LOG,
    Complaints,
)
from edge_caption.mqtt.connection import Answer, Connection
from edge_caption.mqtt.inbox import Inbox
from edge_caption.mqtt.passing import Passing
from edge_caption.mqtt.publication import Publication
from edge_caption.mqtt.refusal import BrokenError
from edge_caption.mqtt.retained import Retained
from edge_caption.mqtt.suspicion import Key, Suspicion
from edge_caption.mqtt.topics import Topics
from edge_caption.outbox import Message, Outbox

log = logging.getLogger(__name__)

WINDOW = 16
"""Outbox messages on their way at once; this many at most come twice after a kill."""

ANSWER_TIMEOUT_S = 20.0
"""A connection that acknowledges nothing for so long is given up, however healthy it looks."""

KEPT = "what it rejects is kept and tried again later"
NOT_PUBLISHED = "what it rejects is not published"
NOT_RECEIVED = "its messages don't arrive here"


@dataclass(frozen=True)
class _Sent:
    """What is on its way."""

    topic: str

    publication: Publication | None = None
    """None: a subscription."""

    message: Message | None = None
    """Of the outbox."""

    at: float = field(default_factory=time.monotonic)

    @property
    def key(self) -> Key:
        """How the suspicion knows it on the next connection."""
        return self.message.sequence if self.message else self.topic

    @property
    def fate(self) -> str:
        """What becomes of it if the broker does not want it."""
        if self.message:
            return KEPT
        return NOT_PUBLISHED if self.publication else NOT_RECEIVED


class _Refusal(NamedTuple):
    """Why something is not sent, and what the user can do."""

    reason: str

    advice: str


@dataclass
class _Flight:
    """What one connection has sent and not had an answer for."""

    sent: dict[int, _Sent] = field(default_factory=dict)
    """By the message number, oldest first."""

    window: int = 1
    """Outbox messages that may be on their way. One until the first answer: a broker that closes the connection over a
    denied message is then heard out, as writing to a closed socket would throw its answer away."""

    after: int = 0
    """The sequence up to which this connection has sent the outbox."""

    @property
    def messages(self) -> list[Message]:
        """Those of the outbox."""
        return [sent.message for sent in self.sent.values() if sent.message]


class Delivery:
    """Knows what is to be sent, over any number of connections one after the other. For one thread."""

    def __init__(self, topics: Topics, outbox: Outbox, retained: Retained, inbox: Inbox) -> None:
        """Take the sources."""
        self.acknowledged = 0
        """Messages of the outbox that the broker took."""
        self.passing = Passing()
        """What is sent if there is a connection and forgotten if there is none; any thread may put something in."""
        self._topics = topics
        self._outbox = outbox
        self._retained = retained
        self._inbox = inbox
        self._flight = _Flight()
        self._settled: set[int] = set()
        self._parked: dict[str, _Refusal] = {}
        """Topics of which nothing is sent until the next try."""
        self._suspicion = Suspicion()
        self._complaints = Complaints()

    def begin(self, connection: Connection) -> None:
        """Send through this connection from now on; what the last one left unanswered is sent again."""
        ended, self._flight = self._flight, _Flight()
        self._connection = connection
        self.passing.clear()
        self._complaints.name_losses(connection.limits)
        guilty = self._suspicion.convict([sent.key for sent in ended.sent.values()])
        for sent in ended.sent.values():
            if sent.key == guilty:
                self._give_up(
                    sent, _Refusal("it closes the connection over it", READ_LOG), whole_topic=not sent.message
                )

    def retry_rejected(self) -> None:
        """Try again what the broker rejected: a quota or an access list may have changed."""
        self._retained.resend(self._parked)
        self._inbox.resend(self._parked)
        self._parked.clear()
        self._outbox.retry_rejected()
        self._flight.after = 0

    def excuse(self) -> None:
        """Say that the connection did not end over what was on its way."""
        self._flight = _Flight()

    @property
    def unanswered(self) -> bool:
        """Whether something is on its way."""
        return bool(self._flight.sent)

    @property
    def idle(self) -> bool:
        """Whether everything is sent and answered."""
        waiting = self._retained.waiting or self.passing or self._outbox.pending(self._flight.after, 1)
        return not self._flight.sent and not waiting

    def send(self) -> None:
        """Send what the windows allow.

        Raises:
            BrokenError: the connection has ended.
            OutboxError: the outbox cannot be read.
        """
        for topic_filter in self._inbox.take(self._room):
            if topic_filter not in self._parked:
                self._flight.sent[self._connection.subscribe(topic_filter)] = _Sent(topic_filter)
        flying = {sent.topic for sent in self._flight.sent.values()}
        for value in self._retained.take(flying, self._room):
            self._send(_Sent(value.topic, value))
        while self.passing and self._room > 0:
            publication = self.passing.take()
            self._send(_Sent(publication.topic, publication))
        self._send_outbox()

    def settle(self, answers: list[Answer]) -> None:
        """Forget what the broker took, park what it does not want.

        Raises:
            BrokenError: answers are overdue.
        """
        for answer in answers:
            if sent := self._flight.sent.pop(answer.mid, None):
                self._settle(sent, answer)
        self._forget_settled()
        oldest = next(iter(self._flight.sent.values()), None)
        if oldest and time.monotonic() - oldest.at > ANSWER_TIMEOUT_S:
            self.excuse()
            raise BrokenError(f"it has acknowledged nothing for {ANSWER_TIMEOUT_S:g} s")

    @property
    def _room(self) -> int:
        most = 1 if self._suspicion.careful else self._connection.limits.receive_maximum
        return most - len(self._flight.sent)

    def _settle(self, sent: _Sent, answer: Answer) -> None:
        self._suspicion.acquit(sent.key)
        if sent.message:
            self._flight.window = WINDOW
        if answer.rejected:
            self._refuse(sent, answer)
        elif sent.message:
            self._settled.add(sent.message.sequence)
            self.acknowledged += 1

    def _refuse(self, sent: _Sent, answer: Answer) -> None:
        assert answer.rejected
        if not sent.publication:
            advice = OTHER_BROKER if answer.mid < 0 else ALLOW_READ
            self._give_up(sent, _Refusal(answer.rejected, advice), whole_topic=True)
        elif answer.denied:
            # The next one would be denied too, and Mosquitto 2.0.11 with `max_queued_messages 0` closes the
            # connection at each.
            self._give_up(sent, _Refusal(answer.rejected, ALLOW_WRITE), whole_topic=True)
        else:
            self._give_up(sent, _Refusal(answer.rejected, READ_LOG))

    def _give_up(self, sent: _Sent, refusal: _Refusal, *, whole_topic: bool = False) -> None:
        """Let the others pass."""
        if sent.message:
            self._outbox.reject(sent.message.sequence, refusal.reason)
        if whole_topic and len(self._parked) < MOST_TOPICS:
            self._parked[sent.topic] = refusal
        self._complaints.reject(sent.topic, *refusal, sent.fate)

    def _send_outbox(self) -> None:
        room = min(self._flight.window - len(self._flight.messages), self._room)
        if room <= 0:
            return
        # After retry_rejected what is on its way may be read once more.
        done = self._settled | {message.sequence for message in self._flight.messages}
        pending = self._outbox.pending(self._flight.after, room)
        for message in pending:
            self._flight.after = message.sequence
            if message.sequence not in done:
                topic = f"{self._topics.root}/{message.topic}"
                self._send(_Sent(topic, Publication(topic, message.payload), message))
        if not pending and not self._flight.sent:
            self._suspicion.forget()

    def _send(self, sent: _Sent) -> None:
        publication, limits = sent.publication, self._connection.limits
        assert publication
        if sent.topic in self._parked:
            self._give_up(sent, self._parked[sent.topic])
        elif publication.size > limits.maximum_packet:
            reason = (
                f"a message of {publication.size:,} bytes is larger than the {limits.maximum_packet:,} that it allows"
            )
            self._give_up(sent, _Refusal(reason, RAISE_LIMIT))
        else:
            self._flight.sent[self._connection.publish(limits.fit(publication))] = sent

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
