"""Brings an update to a node over MQTT, from whatever it has on."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from edge_caption.errors import UpdateError
from edge_caption.model.signed import LARGEST_HEAD, id_of, peek, split_head
from edge_caption.mqtt.complaints import RAISE_LIMIT
from edge_caption.mqtt.connection import Connection, Traffic
from edge_caption.mqtt.publication import Publication, Received
from edge_caption.mqtt.refusal import BrokenError, RefusedError, reason_of
from edge_caption.mqtt.selectable_event import SelectableEvent
from edge_caption.mqtt.settings import MqttSettings
from edge_caption.mqtt.tls import context
from edge_caption.mqtt.topics import Topics
from edge_caption.records import UpdateState

T = TypeVar("T")

CHUNK_BYTES = 32 * 1024

WINDOW = 8
"""Chunks on their way that the node has not said to have."""

QUIET_S = 2.0
"""Without news for so long, the node is asked what it has."""

RETRY_S = 1.0

AWAY_S = 5.0
"""A node that was offline from the beginning is not waited for longer."""

EXPIRY_S = 10
"""A chunk that comes later is of no use: it was sent again."""


@dataclass(frozen=True)
class UpdateSource:
    """What is brought."""

    version: str | None
    """None: of a URL, whose head nobody has read here."""
    id: str | None
    fields: dict[str, Any]
    """Of the request."""
    file: Path | None = None
    begins: int = 0
    """Where the bundle's bytes begin in the file."""

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes of the bundle.

        Raises:
            UpdateError: the file is gone, or shorter than it was.
        """
        assert self.file
        try:
            with self.file.open("rb") as file:
                file.seek(self.begins + offset)
                data = file.read(size)
        except OSError as error:
            raise UpdateError(f"{self.file} can't be read any more: {error.strerror}") from None
        if not data:
            raise UpdateError(f"{self.file} has become shorter meanwhile; run this again")
        return data


def source_of(what: str) -> UpdateSource:
    """Return an update file, or a URL of one, as what can be brought.

    Raises:
        UpdateError: the file is no update file.
    """
    if what.startswith(("http://", "https://")):
        return UpdateSource(None, None, {"url": what})
    if "://" in what:
        raise UpdateError(f"{what.partition(':')[0]}:// is not fetched by nodes; give a file, or an https:// address")
    path = Path(what).expanduser()
    try:
        with path.open("rb") as file:
            head = split_head(file.read(LARGEST_HEAD + 1))
        size = path.stat().st_size
    except OSError as error:
        raise UpdateError(f"{path} can't be read: {error.strerror}") from None
    update = peek(head or b"")
    if size != len(head or b"") + update.size:
        raise UpdateError(f"{path} is cut short or altered; make it again with edge-caption sign")
    fields = {"head": base64.b64encode(head or b"").decode()}
    return UpdateSource(update.version, id_of(head or b""), fields, path, len(head or b""))


@dataclass
class _Push:
    """One node's update under way."""

    source: UpdateSource
    install: bool
    state: UpdateState | None = None
    """What the node said last; None before it has answered the order."""
    sent: int = 0
    heard_at: float = field(default_factory=time.monotonic)
    came_at: float = field(default_factory=time.monotonic)
    """When it last had more of the file than before."""
    asked_at: float = 0.0
    """0: to be asked now."""
    offline: bool = False
    accepted: str | None = None
    """The version that the node has taken the order for."""

    def ask_anew(self) -> None:
        """Begin as if nothing were on its way."""
        self.asked_at, self.came_at = 0.0, time.monotonic()

    @property
    def done(self) -> bool:
        """Whether the node runs it, or has it where it is only offered."""
        if not self.state or not self.accepted:
            return False
        if self.state.state == "offered":
            return not self.install
        # An error with a version that runs is that of another bundle of the same version.
        return self.state.state == "idle" and not self.state.error and self.state.installed_version == self.accepted


class Push:
    """Brings one update to one node after the other."""

    def __init__(self, settings: MqttSettings, prefix: str, source: UpdateSource, *, install: bool) -> None:
        """Take what, and through which broker.

        Args:
            settings: of the broker.
            prefix: what topics begin with.
            source: the update.
            install: have it installed, not only offered.
        """
        self._settings = settings
        self._prefix = prefix
        self._source = source
        self._install = install
        self._name = f"{prefix}-update-{time.time_ns():x}"

    def nodes(self) -> list[str]:
        """Return the nodes that take updates.

        Raises:
            UpdateError: the broker can't be reached.
        """
        topics = Topics(self._prefix, "+")
        found = []
        talk = _Talk(self._settings, self._name)
        try:
            with talk.connected():
                talk.subscribe(topics.update)
                until = time.monotonic() + RETRY_S
                while (left := until - time.monotonic()) > 0:
                    # An empty one is the end of a retained one.
                    found += [each.topic.split("/")[1] for each in talk.step(left).messages if each.payload]
        except (BrokenError, OSError) as error:
            raise UpdateError(self._unreachable(error)) from None
        return sorted(set(found))

    def bring(self, node: str, patience_s: float) -> Iterator[UpdateState]:
        """Yield the node's states until it runs the update, or has it where it is only offered.

        Args:
            node: its name.
            patience_s: how long it may say nothing.

        Raises:
            UpdateError: it refuses, rolls back, or says nothing for too long.
        """
        topics = Topics(self._prefix, node)
        push = _Push(self._source, self._install)
        while not push.done:
            broken = None
            try:
                yield from self._over_one_connection(topics, push, patience_s)
            except (BrokenError, OSError) as error:
                broken = self._unreachable(error)
            if broken and time.monotonic() - push.heard_at > patience_s:
                raise UpdateError(broken)
            time.sleep(RETRY_S if broken else 0)

    def _unreachable(self, error: Exception) -> str:
        broker = self._settings.broker
        return f"the broker {broker} can't be reached ({reason_of(error, tls=broker.tls)})"

    def _over_one_connection(self, topics: Topics, push: _Push, patience_s: float) -> Iterator[UpdateState]:
        talk = _Talk(self._settings, self._name)
        with talk.connected():
            for topic in (topics.response("update"), topics.update, topics.status):
                talk.subscribe(topic)
            push.ask_anew()
            while not push.done:
                quiet_s = time.monotonic() - max(push.heard_at, push.asked_at)
                if not push.asked_at or quiet_s > QUIET_S:
                    push.asked_at = time.monotonic()
                    push.sent = push.state.next if push.state else 0
                    talk.publish(topics.request("update"), self._request())
                self._send(talk, topics, push)
                for message in talk.step(0.5).messages:
                    if state := self._hear(topics, push, message):
                        yield state
                away = push.offline and not push.accepted
                if time.monotonic() - push.heard_at > (min(patience_s, AWAY_S) if away else patience_s):
                    raise UpdateError(_silence(topics.node, push))
                if self._source.file and time.monotonic() - push.came_at > patience_s:
                    raise UpdateError(
                        f"{topics.node} answers, and no piece of the file reaches it; "
                        f"let it read {topics.chunks} (edge-caption doctor mqtt, there, tells more)"
                    )

    def _request(self) -> bytes:
        return msgspec.json.encode({**self._source.fields, "install": self._install, "transaction": self._name})

    def _send(self, talk: _Talk, topics: Topics, push: _Push) -> None:
        """Send what the node lacks, a few chunks ahead of what it has."""
        state = push.state
        if not (state and state.state == "receiving" and self._source.file and state.update == self._source.id):
            return
        push.sent = max(push.sent, state.next)
        size = talk.chunk_bytes
        while push.sent < min(state.size, state.next + WINDOW * size):
            data = self._source.read(push.sent, size)
            talk.publish(topics.chunk_of(state.update or "", push.sent), data)
            push.sent += len(data)

    def _hear(self, topics: Topics, push: _Push, message: Received) -> UpdateState | None:
        if push.done:  # this may answer what was asked before
            return None
        if message.topic == topics.status:
            if not message.payload:  # of `edge-caption doctor mqtt`
                return None
            push.offline = message.payload != b"online"
            if not message.retained and not push.offline:  # back again: what was on its way to it is lost
                push.ask_anew()
            return None
        if message.topic == topics.update:
            # What is retained may be older than the order.
            state = _decoded(message.payload, UpdateState)
            return self._take(push, state) if state and push.accepted else None
        answer = _decoded(message.payload, dict[str, Any]) or {}
        ours = answer.get("transaction") == self._name
        if ours and answer.get("status") == "error":
            raise UpdateError(f"{topics.node}: {answer.get('error')}")
        state = _decoded(msgspec.json.encode(answer.get("data")), UpdateState)
        if state and ours:
            push.accepted = self._source.version or state.latest_version
        if state and push.state and state.next < push.state.next:
            push.sent = state.next  # a file comes again
        return self._take(push, state) if state and push.accepted else None

    def _take(self, push: _Push, state: UpdateState) -> UpdateState:
        push.heard_at = time.monotonic()
        if state.state != "receiving" or not push.state or state.next != push.state.next:
            push.came_at = push.heard_at
        push.state = state
        if state.state == "idle" and state.error and not push.done:
            raise UpdateError(state.error)
        return state


class _Talk:
    """A connection to the broker for a while."""

    def __init__(self, settings: MqttSettings, name: str) -> None:
        self._attention = SelectableEvent()
        tls = context(settings.ca_file, settings.cert_file, settings.key_file) if settings.broker.tls else None
        self._connection = Connection(settings.broker, settings.version, name, None, self._attention, tls)

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Be connected until the block ends.

        Raises:
            UpdateError: the broker refuses.
            BrokenError, OSError: it can't be reached now.
        """
        try:
            self._connection.open(lambda: False)
            yield
        except RefusedError as error:
            raise UpdateError(str(error)) from None
        finally:
            self._connection.close(politely=True)
            self._attention.close()

    @property
    def chunk_bytes(self) -> int:
        """Of a chunk that the broker takes."""
        return max(1, min(CHUNK_BYTES, self._connection.limits.maximum_packet - 512))

    def subscribe(self, topic_filter: str) -> None:
        if lack := self._connection.limits.lack(topic_filter):
            raise UpdateError(f"the broker has no {lack}, so nodes can't be found; name each with --node")
        self._connection.subscribe(topic_filter)

    def publish(self, topic: str, payload: bytes) -> None:
        publication, most = Publication(topic, payload, expiry_s=EXPIRY_S), self._connection.limits.maximum_packet
        if publication.size > most:
            raise UpdateError(
                f"an update begins with a message of {publication.size:,} bytes and the broker takes {most:,} at most; "
                f"{RAISE_LIMIT}"
            )
        self._connection.publish(self._connection.limits.fit(publication))

    def step(self, timeout_s: float) -> Traffic:
        """Return what has come.

        Raises:
            UpdateError: the broker's access list denies something.
        """
        traffic = self._connection.step(timeout_s)
        for answer in traffic.answers:
            if answer.rejected and answer.denied:
                raise UpdateError(
                    f"the broker does not let this user update nodes ({answer.rejected}); see docs/mosquitto.acl"
                )
        return traffic


def _decoded(payload: bytes, kind: type[T]) -> T | None:
    """Return what a message says; None where it says something else, as those of `edge-caption doctor` do."""
    try:
        return msgspec.json.decode(payload, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _silence(node: str, push: _Push) -> str:
    if push.offline:
        return f"{node} is offline; what it has is kept, so run this again when it is back"
    if push.accepted:
        return f"{node} says no more; what it has is kept, so run this again"
    return (
        f"{node} does not answer; check its name, and that its settings have commands = true below [mqtt] "
        "and public_key below [update]"
    )
