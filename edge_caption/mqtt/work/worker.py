"""Captions photos that a broker spreads over all workers of a group, and answers each one."""

from __future__ import annotations

import logging
import time
from collections import deque
from dataclasses import dataclass, replace

from edge_caption.errors import ConfigError, EdgeCaptionError, PhotoError
from edge_caption.model.live import Captions
from edge_caption.mqtt.complaints import ALLOW_WRITE, READ_LOG, Complaints
from edge_caption.mqtt.connection import Answer, Connection, Traffic
from edge_caption.mqtt.publication import Publication, Received
from edge_caption.mqtt.refusal import BrokenError
from edge_caption.records import PhotoCaption, WorkerAnswer, encode, sentence

log = logging.getLogger(__name__)

UNACKNOWLEDGED = 4
"""Photos that the broker sends ahead: while one is captioned, the next is on its way, and few are with a worker that
is killed."""

LARGEST = 20_000_000
"""Bytes of a photo."""

PUBACK_S = 20.0

MOST_WAITING = 16
"""Photos without a promise (QoS 0), which no broker holds back, are left out beyond so many that wait."""

QUIET_S = 0.3
"""A worker that takes no more photos ends when none has come for so long."""

UNEXPECTED = "it could not be captioned, for a fault of the program; the worker's log says more"

FILE, ATTENTION, WORKER = "file", "attention", "worker"
"""User properties: what the asker calls a photo, whether it wants each word's weights of all regions, who answers."""


@dataclass(frozen=True)
class _Job:
    """A photo that waits, or whose answer is on its way."""

    request: Received
    connection: Connection
    """That it came through: no other can acknowledge it."""
    answer: Publication | None = None
    answered_at: float = 0.0


class Worker:
    """Lives on a `Line` whose connections acknowledge by hand: a photo only once the broker has its answer."""

    def __init__(self, captioner: Captions, topic: str, group: str, name: str) -> None:
        """Take what captions, where photos come, who shares them, and what this worker is called."""
        self.done = self.failed = 0
        """Photos answered with a sentence, and with an error."""
        self._captioner, self._topic, self._name = captioner, topic, name
        self._filter = f"$share/{group}/{topic}"
        self._waiting: deque[_Job] = deque()
        self._sent: dict[int, _Job] = {}
        self._subscription = 0
        self._heard_at = 0.0
        self._complaints = Complaints()
        self._warned = False

    @property
    def idle(self) -> bool:
        """Whether every photo is answered, and no further one comes."""
        return not self._waiting and not self._sent and time.monotonic() - self._heard_at > QUIET_S

    def begin(self, connection: Connection) -> None:
        """Subscribe, and send answers again that the broker did not confirm."""
        self._connection = connection
        again, self._sent = list(self._sent.values()), {}
        self._subscription = connection.subscribe(self._filter)
        for job in again:
            self._send(job)

    def retire(self) -> None:
        """Take no more photos."""
        self._connection.unsubscribe(self._filter)
        self._heard_at = time.monotonic()

    def turn(self, traffic: Traffic) -> float:
        """Settle answers, take photos, caption one.

        Raises:
            ConfigError: the broker does not want the subscription.
            BrokenError: the connection has ended, or confirms nothing.
        """
        for answer in traffic.answers:
            self._settle(answer)
        if traffic.messages:
            self._heard_at = time.monotonic()
            for message in traffic.messages:
                self._keep(message)
        oldest = next(iter(self._sent.values()), None)
        if oldest and time.monotonic() - oldest.answered_at > PUBACK_S:
            raise BrokenError(f"it has acknowledged nothing for {PUBACK_S:g} s")
        if self._waiting:
            self._work(self._waiting.popleft())
        return 0.0 if self._waiting else 1.0

    def _keep(self, message: Received) -> None:
        if message.qos == 0 and len(self._waiting) >= MOST_WAITING:
            self._warn("photos come faster than they are captioned, and some are left out; publish them with QoS 1")
        else:
            self._waiting.append(_Job(message, self._connection))

    def _settle(self, answer: Answer) -> None:
        if answer.mid == self._subscription:
            self._subscription = 0
            if answer.rejected:
                raise ConfigError(
                    f"the broker rejects the shared subscription {self._filter} ({answer.rejected}); "
                    "let this user read the topic, on a broker that has shared subscriptions"
                )
        elif job := self._sent.pop(answer.mid, None):
            if answer.rejected and job.answer:
                advice = ALLOW_WRITE if answer.denied else READ_LOG
                self._complaints.reject(job.answer.topic, answer.rejected, advice, "who asked there gets no answer")
            self._acknowledge(job)

    def _work(self, job: _Job) -> None:
        request = job.request
        if not (topic := request.response_topic) or not self._fits(topic):
            self._warn("a photo without a usable response topic is left out; publish it with one (MQTT 5)")
            self._acknowledge(job)
            return
        said = self._answer(request)
        answer, most = self._publication(topic, request, said), self._connection.limits.maximum_packet
        if answer.size > most:  # the broker would close the connection over it, each time anew
            reason = (
                f"the answer has {answer.size:,} bytes and the broker takes {most:,} at most; ask without attention"
            )
            said = self._fail(said.file, reason)
            answer = self._publication(topic, request, said)
        self.done += said.status == "ok"
        self._send(replace(job, answer=answer))

    def _publication(self, topic: str, request: Received, said: WorkerAnswer) -> Publication:
        worker = ((WORKER, self._name),)
        return Publication(topic, encode(said), correlation_data=request.correlation_data, user_properties=worker)

    def _fits(self, topic: str) -> bool:
        """Whether an answer may go there: a worker would take one on its own topic for a photo."""
        return topic != self._topic and not topic.startswith("$") and not any(sign in topic for sign in "+#\0")

    def _send(self, job: _Job) -> None:
        assert job.answer
        mid = self._connection.publish(self._connection.limits.fit(job.answer))
        self._sent[mid] = replace(job, answered_at=time.monotonic())

    def _acknowledge(self, job: _Job) -> None:
        if job.connection is self._connection:
            job.connection.acknowledge(job.request)

    def _answer(self, request: Received) -> WorkerAnswer:
        asked = dict(request.user_properties)
        file = asked.get(FILE, "-")
        try:
            if len(request.payload) > LARGEST:
                raise PhotoError(f"the photo has {len(request.payload):,} bytes; {LARGEST:,} are the most")
            caption = self._captioner.caption(request.payload)
        except EdgeCaptionError as error:
            return self._fail(file, str(error))
        except Exception:
            log.exception("a photo could not be captioned")
            return self._fail(file, UNEXPECTED)
        data = PhotoCaption(file=file, **sentence(caption, attention=asked.get(ATTENTION) == "true"))
        return WorkerAnswer(status="ok", file=file, data=data, worker=self._name)

    def _fail(self, file: str, reason: str) -> WorkerAnswer:
        self.failed += 1
        self._warn(f"a photo is answered with an error: {reason}")
        return WorkerAnswer(status="error", file=file, error=reason, worker=self._name)

    def _warn(self, sentence: str) -> None:
        """The first time; a flood of bad photos must not flood the log."""
        log.log(logging.DEBUG if self._warned else logging.WARNING, "%s", sentence)
        self._warned = True
