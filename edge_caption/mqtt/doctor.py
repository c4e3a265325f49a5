"""Examines the way to the broker step by step; each finding comes with its fix."""

from __future__ import annotations

import ctypes
import socket
import ssl
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from edge_caption.mqtt.address import Address
from edge_caption.mqtt.complaints import OTHER_BROKER
from edge_caption.mqtt.connection import Answer, Connection
from edge_caption.mqtt.limits import Limits
from edge_caption.mqtt.publication import Publication, Received
from edge_caption.mqtt.refusal import BrokenError, RefusedError, UnsupportedError
from edge_caption.mqtt.selectable_event import SelectableEvent
from edge_caption.mqtt.settings import MqttSettings
from edge_caption.mqtt.tls import context, explain
from edge_caption.mqtt.topics import DOCTOR, Topics

TIMEOUT_S = 5.0
ANSWER_S = 3.0

CAPTION_BYTES = 4_000
"""More than a caption with all its words."""

INFO_BYTES = 16_000
"""About the info topic's."""

PICTURE_BYTES = 500_000
"""About a snapshot's."""

EXPIRES_SOON_S = 14 * 24 * 3600

Severity = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """What one examination found."""

    about: str

    severity: Severity

    said: str

    fix: str | None = None


class FatalError(Exception):
    """Nothing further can be examined; what was found is in it."""

    def __init__(self, finding: Finding) -> None:
        """Take the finding."""
        super().__init__(finding.said)
        self.finding = finding


@dataclass(frozen=True)
class Uses:
    """What a node does with the broker beside its settings."""

    topics: Topics

    cameras: Mapping[str, Collection[str]]
    """The names of each camera's alerts."""

    updates: bool = False
    """Whether it takes updates of the model."""

    discovery: str | None = None
    """Home Assistant's prefix; None: it is not to find the node."""


def examine(settings: MqttSettings, uses: Uses) -> Iterator[Finding]:
    """Yield findings, one after the other; the last one may be why there are no more.

    Args:
        settings: where to and how.
        uses: what is tried.
    """
    yield _examine_clock()
    address = settings.broker
    try:
        yield _examine_name(address)
        yield _examine_port(address)
        if address.tls:
            yield _examine_tls(settings)
        yield from _examine_broker(settings, uses)
    except FatalError as fatal:
        yield fatal.finding


def _examine_clock() -> Finding:
    about = "clock"
    # Linux: adjtimex(2) returns TIME_ERROR where nothing sets the clock. The buffer is larger than any struct timex.
    call = getattr(ctypes.CDLL(None), "adjtimex", None)
    if call and call(ctypes.create_string_buffer(512)) == 5:
        said = f"it says {time.strftime('%Y-%m-%d %H:%M')}, but nothing keeps it right"
        return Finding(about, "warning", said, "let a time service set it: timedatectl set-ntp true")
    return Finding(about, "ok", f"it says {time.strftime('%Y-%m-%d %H:%M')}")


def _examine_name(address: Address) -> Finding:
    about = "name"
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        said = f"{address.host} is not known ({error.strerror})"
        raise FatalError(
            Finding(about, "problem", said, "check its spelling, or give the broker's IP address")
        ) from None
    return Finding(about, "ok", f"{address.host} is {', '.join(dict.fromkeys(str(each[4][0]) for each in found))}")


def _examine_port(address: Address) -> Finding:
    about = "port"
    began = time.monotonic()
    try:
        socket.create_connection((address.host, address.port), TIMEOUT_S).close()
    except TimeoutError:
        said = f"no answer from {address.host} on port {address.port} in {TIMEOUT_S:g} s"
        raise FatalError(
            Finding(about, "problem", said, "check that the computer runs and no firewall is between")
        ) from None
    except ConnectionRefusedError:
        said = f"nothing listens on port {address.port} of {address.host}"
        fix = f"start the broker, and let it listen to the network (Mosquitto: listener {address.port})"
        raise FatalError(Finding(about, "problem", said, fix)) from None
    except OSError as error:
        said = f"{address.host} can't be reached ({error.strerror})"
        raise FatalError(Finding(about, "problem", said, "check this device's network")) from None
    return Finding(about, "ok", f"port {address.port} answers in {(time.monotonic() - began) * 1000:.0f} ms")


def _examine_tls(settings: MqttSettings) -> Finding:
    about, address = "TLS", settings.broker
    try:
        tls = context(settings.ca_file, settings.cert_file, settings.key_file)
        with (
            socket.create_connection((address.host, address.port), TIMEOUT_S) as plain,
            tls.wrap_socket(plain, server_hostname=address.host) as secure,
        ):
            version, until = secure.version(), (secure.getpeercert() or {}).get("notAfter")
    except OSError as error:
        said, _, fix = explain(error).partition("; ")
        raise FatalError(Finding(about, "problem", said, fix or "see the broker's log")) from None
    left_s = ssl.cert_time_to_seconds(str(until)) - time.time()
    if left_s < EXPIRES_SOON_S:
        return Finding(about, "warning", f"{version}; its certificate expires on {until}", "renew it")
    return Finding(about, "ok", f"{version}; its certificate is good until {until}")


def _examine_broker(settings: MqttSettings, uses: Uses) -> Iterator[Finding]:
    topics = uses.topics
    attention = SelectableEvent()
    try:
        visit = _log_in(settings, topics, attention)
        yield Finding("login", "ok", f"{settings.broker} lets this client in with MQTT {visit.protocol}")
        yield from _describe(visit, settings)
        try:
            yield from _examine_rights(visit, settings, uses)
            if uses.updates:
                yield from _examine_updates(visit, settings, topics)
            yield from _examine_namesake(visit, topics)
        finally:
            visit.connection.close(politely=True)
    except BrokenError as error:
        said = f"the broker ended the connection: {error}"
        yield Finding("connection", "problem", said, "see the broker's log")
    finally:
        attention.close()


@dataclass(frozen=True)
class Visit:
    """A connection for the examination, under a name of its own: the node's would throw the node out."""

    connection: Connection
    protocol: str
    lacks: tuple[str, ...]
    """What the broker refused of a will."""

    @property
    def limits(self) -> Limits:
        """What the broker takes."""
        return self.connection.limits

    def answer(self, mid: int) -> Answer | None:
        """Return the answer, or None when there is none in time."""
        until = time.monotonic() + ANSWER_S
        while time.monotonic() < until:
            for answer in self.connection.step(until - time.monotonic()).answers:
                if answer.mid == mid:
                    return answer
        return None

    def receive(self, seconds: float) -> list[Received]:
        """Return what comes in so many seconds."""
        until, received = time.monotonic() + seconds, list[Received]()
        while (left := until - time.monotonic()) > 0:
            received += self.connection.step(left).messages
        return received


def _log_in(settings: MqttSettings, topics: Topics, attention: SelectableEvent) -> Visit:
    protocol = settings.version
    tls = context(settings.ca_file, settings.cert_file, settings.key_file) if settings.broker.tls else None
    lacks: list[str] = []
    while True:
        will = Publication(f"{topics.root}/doctor", b"", int("qos" not in lacks), "retain" not in lacks)
        connection = Connection(
            settings.broker, protocol, f"{topics.prefix}-{topics.node}-doctor", will, attention, tls
        )
        try:
            connection.open(lambda: False)
        except UnsupportedError as error:
            if error.lacks in lacks:
                raise
            lacks.append(error.lacks)
        except (RefusedError, BrokenError, OSError) as error:
            said, _, fix = str(error).partition("; ")
            raise FatalError(Finding("login", "problem", said, fix or "see the broker's log")) from None
        else:
            return Visit(connection, protocol, tuple(lacks))


def _describe(visit: Visit, settings: MqttSettings) -> Iterator[Finding]:
    """Tell what the broker said of itself."""
    if visit.protocol != "5":
        said = "MQTT 3.1.1 tells neither limits nor what the access list denies"
        yield Finding("protocol", "warning", said, "use a broker that speaks MQTT 5, and leave --protocol out")
        return
    limits = visit.limits
    if limits.retain:
        yield Finding("retain", "ok", "retained messages are kept")
    else:
        said = "no message is retained: later subscribers see no status and no caption until the next one"
        yield Finding("retain", "problem", said, "allow it in the broker (Mosquitto: retain_available true)")
    if limits.qos:
        yield Finding("QoS", "ok", "messages are acknowledged")
    else:
        said = "QoS 0 only: nothing is acknowledged, so captions can be lost"
        yield Finding("QoS", "problem", said, "allow QoS 1 in the broker (Mosquitto: max_qos 1)")
    if settings.commands and not limits.wildcards:
        said = "no wildcard subscriptions: no command arrives"
        yield Finding("wildcards", "problem", said, OTHER_BROKER)
    needed = PICTURE_BYTES if settings.snapshots else INFO_BYTES
    said = f"packets of {limits.maximum_packet:,} bytes are taken"
    if limits.maximum_packet < needed:
        what = "captions" if limits.maximum_packet < CAPTION_BYTES else "info" if needed == INFO_BYTES else "pictures"
        fix = f"allow at least {needed:,} in the broker (Mosquitto: max_packet_size)"
        yield Finding("size", "problem", f"{said}: {what} may be larger", fix)
    else:
        yield Finding("size", "ok", said)


def _examine_rights(visit: Visit, settings: MqttSettings, uses: Uses) -> Iterator[Finding]:
    topics = uses.topics
    for topic in _published(settings, uses):
        # Not retained and empty: nothing that is kept changes.
        publication = visit.limits.fit(Publication(topic, b"", expiry_s=1))
        yield _right("publish", topic, visit.answer(visit.connection.publish(publication)))
    birth = [f"{uses.discovery}/status"] if uses.discovery else []
    for topic_filter in [*(topics.commands if settings.commands else ()), *birth]:
        yield _right("subscribe", topic_filter, visit.answer(visit.connection.subscribe(topic_filter)))
    if settings.commands:
        yield _examine_round_trip(visit, topics.request(DOCTOR), "commands", "a command comes through")


def _examine_updates(visit: Visit, settings: MqttSettings, topics: Topics) -> Iterator[Finding]:
    if not settings.commands:
        yield Finding("updates", "problem", "updates come as commands, which are off", "set commands = true in [mqtt]")
        return
    for topic in (topics.update, topics.response("update")):
        publication = visit.limits.fit(Publication(topic, b"", expiry_s=1))
        yield _right("publish", topic, visit.answer(visit.connection.publish(publication)))
    yield _right("subscribe", topics.chunks, visit.answer(visit.connection.subscribe(topics.chunks)))
    yield _examine_round_trip(visit, topics.chunk_of(DOCTOR, 0), "updates", "a piece of an update comes through")


def _published(settings: MqttSettings, uses: Uses) -> Iterator[str]:
    topics = uses.topics
    yield from (topics.status, topics.info, topics.health)
    if uses.discovery:  # of no device: an empty message would remove it
        yield f"{uses.discovery}/device/edge_caption_{DOCTOR}/config"
    for camera, alerts in uses.cameras.items():
        yield from (topics.alert(camera, name) for name in alerts)
        yield from (topics.camera_status(camera), topics.caption(camera), topics.event(camera), topics.enabled(camera))
        if settings.snapshots:
            yield topics.snapshot(camera)
    if settings.commands:
        yield topics.response("status")


def _right(what: str, topic: str, answer: Answer | None) -> Finding:
    if answer is None:
        return Finding(what, "problem", f"{topic}: no answer", "see the broker's log")
    if answer.rejected:
        said = f"{topic}: {answer.rejected}"
        return Finding(what, "problem", said, f"let this client's user {what} there (Mosquitto: acl_file)")
    return Finding(what, "ok", topic)


def _examine_round_trip(visit: Visit, topic: str, about: str, well: str) -> Finding:
    """Mosquitto's access list takes a subscription and holds back the messages."""
    visit.connection.publish(visit.limits.fit(Publication(topic, b"", expiry_s=1)))
    if any(message.topic == topic for message in visit.receive(1.0)):
        return Finding(about, "ok", well)
    said = f"a message to {topic} did not come back"
    return Finding(about, "problem", said, "let this client's user read there (Mosquitto: topic read, in the acl_file)")


def _examine_namesake(visit: Visit, topics: Topics) -> Iterator[Finding]:
    """Two programs of one name throw each other out."""
    visit.connection.subscribe(topics.status)
    said = [message.payload for message in visit.receive(0.5) if message.topic == topics.status and message.retained]
    if said[-1:] == [b"online"]:
        yield Finding(
            "namesake",
            "warning",
            f"a program called {topics.node} is connected now",
            "if it runs on another device, give each its own --node; two of one name throw each other out",
        )
    else:
        yield Finding("namesake", "ok", f"no other program called {topics.node} is seen")
