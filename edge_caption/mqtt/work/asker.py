"""Sends photos to the workers and waits for each answer; a photo that gets none is sent again."""

from __future__ import annotations

import logging
import math
import threading
import time
import uuid
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field

import msgspec

from edge_caption.errors import ConfigError, EdgeCaptionError, PhotoError
from edge_caption.mqtt.connection import Answer, Connection, Traffic
from edge_caption.mqtt.line import FAREWELL_S, Line
from edge_caption.mqtt.publication import Publication, Received
from edge_caption.mqtt.selectable_event import SelectableEvent
from edge_caption.mqtt.settings import MqttSettings, check_for_workers
from edge_caption.mqtt.topics import answer_topic
from edge_caption.mqtt.work.worker import ATTENTION, FILE, LARGEST
from edge_caption.records import WorkerAnswer
from edge_caption.text import escape

log = logging.getLogger(__name__)

PATIENCE_S = 5.0
"""How long a first answer may take, at least; where answers take longer, SLACK times the longest of late. Each further
try may take twice as long: the workers may have much to do for others."""

SLACK = 4.0

TRIES = 5
"""A photo that kills its workers must not go round for ever."""

TURN_S = 0.25

RECENT = 32


@dataclass
class _Question:
    """A photo without an answer."""

    photo: bytes
    file: str
    most_tries: int
    attention: bool
    patient: bool
    answer: Future[WorkerAnswer] = field(default_factory=Future)
    key: bytes = field(default_factory=lambda: uuid.uuid4().bytes)
    """The correlation data."""
    tries: int = 0
    asked_at: float = 0.0
    patience_s: float = 0.0


class Asker:
    """A thread on its own connection. Every public method may be called from any thread and returns at once."""

    def __init__(self, mqtt: MqttSettings, name: str, work_topic: str, patience_s: float | None = None) -> None:
        """Start the thread.

        Args:
            mqtt: the broker and how to log in.
            name: of who asks, unlike any other's.
            work_topic: where the workers take photos; answers come below it.
            patience_s: how long a first answer may take, at least; PATIENCE_S if None.

        Raises:
            ConfigError: as of `check_for_workers`.
        """
        check_for_workers(mqtt)
        self.resent = self.duplicates = 0
        """Photos that were sent again, and answers that came a second time."""
        self._work_topic, self._answers = work_topic, answer_topic(work_topic, name)
        self._patience_s = PATIENCE_S if patience_s is None else patience_s
        self._attention = SelectableEvent()
        self._new: deque[_Question] = deque()
        self._open: dict[bytes, _Question] = {}
        self._sent: dict[int, _Question] = {}
        self._connection: Connection | None = None
        self._subscription = 0
        self._subscribed = self._unheard_told = False
        self._took_s: deque[float] = deque([0.0], maxlen=RECENT)
        self._failure: EdgeCaptionError | None = None
        self._stop = threading.Event()
        self._line = Line(mqtt, f"asker-{name}", self._attention)
        self._thread = threading.Thread(target=self._run, name="asker", daemon=True)
        self._thread.start()

    def ask(
        self, photo: bytes, file: str, tries: int = TRIES, *, attention: bool = False, patient: bool = True
    ) -> Future[WorkerAnswer]:
        """Have a photo captioned.

        Args:
            photo: a file's bytes.
            file: what to call it.
            tries: how often to send it before giving up.
            attention: have each word's weights of all regions, too.
            patient: wait where there is no worker yet.

        Returns:
            The answer to come, which may tell of an error. It raises PhotoError where the broker does not take the
            photo or no worker answers, and ConfigError where the broker lets this program do nothing.
        """
        question = _Question(photo, file, tries, attention, patient)
        if len(photo) > LARGEST:
            question.answer.set_exception(
                PhotoError(f"{file} has {len(photo):,} bytes and workers take {LARGEST:,} at most; make it smaller")
            )
        else:
            self._new.append(question)
            self._attention.set()
        return question.answer

    def close(self) -> None:
        """End the connection; what has no answer yet gets none."""
        self._stop.set()
        self._attention.set()
        self._thread.join(FAREWELL_S + 1)
        if not self._thread.is_alive():
            self._attention.close()

    def _run(self) -> None:
        try:
            self._line.keep(self, self._stop.is_set)
            self._failure = ConfigError("the connection to the workers was closed")
        except EdgeCaptionError as error:
            self._failure = error
        except Exception as error:
            log.exception("unexpected; no more photos go to the workers")
            self._failure = ConfigError(f"photos can't be sent to workers any more ({error})")
        while not self._stop.is_set():
            self._give_up()
            self._attention.wait(TURN_S)
        self._give_up()

    def _give_up(self) -> None:
        """Tell everybody who waits why there is no answer."""
        assert self._failure
        while self._new:
            question = self._new.popleft()
            self._open[question.key] = question
        for question in self._open.values():
            question.answer.set_exception(self._failure)
        self._open.clear()

    @property
    def idle(self) -> bool:
        """An asker that ends waits for nothing."""
        return True

    def retire(self) -> None:
        """Nothing new is begun."""

    def begin(self, connection: Connection) -> None:
        """Ask for answers; once the broker has confirmed that, every open question is asked again."""
        self._connection, self._subscribed = connection, False
        self._sent.clear()
        self._subscription = connection.subscribe(self._answers)

    def turn(self, traffic: Traffic) -> float:
        """Take answers, send new photos and overdue ones.

        Raises:
            ConfigError: the broker's access list does not allow it.
            BrokenError: the connection has ended.
        """
        for message in traffic.messages:
            self._take(message)
        for answer in traffic.answers:
            self._settle(answer)
        if self._subscribed:
            while self._new:
                self._ask(self._new.popleft())
            self._ask_again()
        return TURN_S

    def _settle(self, answer: Answer) -> None:
        """Learn what the broker said of a subscription or a photo."""
        if answer.mid == self._subscription:
            self._refuse(answer, f"let this user read {self._answers}")
            self._subscribed = True
            for waiting in list(self._open.values()):
                self._send(waiting)
        elif question := self._sent.pop(answer.mid, None):
            if answer.denied:
                self._refuse(answer, f"let this user write {self._work_topic}")
            elif answer.rejected:
                self._drop(question, f"the broker does not take {question.file} ({answer.rejected}); see its log")
            elif answer.unheard:
                self._wait_for_worker(question)

    def _refuse(self, answer: Answer, advice: str) -> None:
        if answer.rejected:
            raise ConfigError(f"the broker does not let photos go to workers ({answer.rejected}); {advice}")

    def _wait_for_worker(self, question: _Question) -> None:
        if not self._unheard_told:
            log.warning("no worker takes photos from %s; start one: edge-caption worker", self._work_topic)
        self._unheard_told = True
        if question.patient:
            question.tries = 0
        else:
            self._drop(question, f"no worker takes photos from {self._work_topic}")

    def _take(self, message: Received) -> None:
        key = message.correlation_data or b""
        if key not in self._open:
            self.duplicates += 1
            return
        question = self._open.pop(key)
        self._took_s.append(time.monotonic() - question.asked_at)
        try:
            question.answer.set_result(msgspec.json.decode(message.payload, type=WorkerAnswer))
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            question.answer.set_exception(PhotoError(f"{question.file} got an answer that is none; look at the worker"))

    def _ask(self, question: _Question) -> None:
        self._open[question.key] = question
        self._send(question)

    def _ask_again(self) -> None:
        now = time.monotonic()
        for question in [each for each in self._open.values() if now - each.asked_at > each.patience_s]:
            if question.tries >= question.most_tries:
                tries = f"{question.tries} {'try' if question.tries == 1 else 'tries'}"
                self._drop(question, f"{question.file} got no answer in {tries}; look at the workers' logs")
            else:
                self.resent += 1
                self._send(question)

    def _send(self, question: _Question) -> None:
        assert self._connection
        question.patience_s = max(self._patience_s, SLACK * max(self._took_s)) * 2**question.tries
        attention = ((ATTENTION, "true"),) if question.attention else ()
        publication = Publication(
            self._work_topic,
            question.photo,
            correlation_data=question.key,
            # What is overdue is asked again, and the old one need not be done as well.
            expiry_s=math.ceil(question.patience_s) + 1,
            user_properties=((FILE, _named(question.file)), *attention),
            response_topic=self._answers,
        )
        most = self._connection.limits.maximum_packet
        if publication.size > most:
            reason = f"has {len(question.photo):,} bytes and the broker takes {most:,} at most"
            self._drop(question, f"{question.file} {reason}; raise its limit (Mosquitto: max_packet_size)")
            return
        question.tries += 1
        question.asked_at = time.monotonic()
        self._sent[self._connection.publish(self._connection.limits.fit(publication))] = question

    def _drop(self, question: _Question, reason: str) -> None:
        if self._open.pop(question.key, None):
            question.answer.set_exception(PhotoError(reason))


def _named(file: str) -> str:
    """Return a file's name as a property may hold it: brokers close the connection over controls and surrogates."""
    return "".join(each if each.isprintable() else escape(each) for each in file)
