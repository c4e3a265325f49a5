"""One connection to a broker, from connecting to its end; the next one is a new object.

The thread that calls `step` is the only one that touches paho: callbacks run inside `step`, so an acknowledgement
cannot overtake the note of what it acknowledges, and an exception in one reaches that thread instead of killing
a hidden one.
"""

from __future__ import annotations

import select
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from paho.mqtt import client as paho
from paho.mqtt import properties as paho_properties
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.exception import MalformedPacket
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge_caption.mqtt.address import Address
from edge_caption.mqtt.limits import Limits, limits_of
from edge_caption.mqtt.publication import Publication, Received
from edge_caption.mqtt.refusal import (
    NO_SUBSCRIBERS,
    NOT_AUTHORIZED,
    OLD_BROKER,
    TOPIC_INVALID,
    BrokenError,
    closed,
    refused_login,
    unanswered_login,
)
from edge_caption.mqtt.selectable_event import SelectableEvent

CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 10.0
KEEPALIVE_S = 30
SUBSCRIBE_QOS = 1

LARGEST_PACKET = 32 * 1024 * 1024
"""Bytes that the broker may send at once (MQTT 5): no command and no picture has more, and memory is small here."""


@dataclass(frozen=True)
class Answer:
    """What the broker said of one publication or subscription."""

    mid: int

    rejected: str | None
    """Why it does not want it; None when it took it."""

    denied: bool = False
    """It would not want anything on this topic."""

    unheard: bool = False
    """It took it, and nobody is subscribed to it. Not every broker tells."""


class Traffic(NamedTuple):
    """What came from the broker."""

    answers: list[Answer]
    messages: list[Received]


class Connection:
    """Publishes, subscribes, and collects what comes back."""

    def __init__(
        self,
        address: Address,
        protocol: str,
        name: str,
        will: Publication | None,
        attention: SelectableEvent,
        tls: ssl.SSLContext | None = None,
        unacknowledged: int | None = None,
    ) -> None:
        """Prepare; nothing is sent.

        Args:
            address: of the broker.
            protocol: "5" or "3.1.1".
            name: the client id.
            will: what the broker publishes should this client vanish.
            attention: ends the wait in `step`.
            tls: how to speak TLS where the address asks for it.
            unacknowledged: messages are acknowledged by `acknowledge` alone, and the broker sends so many before
                (MQTT 5); None: each is acknowledged as it comes.
        """
        self.limits = Limits()
        """Known once `open` has returned."""
        self._address = address
        self._attention = attention
        self._will = will
        self._traffic = Traffic([], [])
        self._accepted = False
        self._unsent = 0
        """The last number of a subscription that was not even asked for; paho's numbers are above 0."""
        self._end: ReasonCode | None = None
        self._five = protocol == "5"
        self._unacknowledged = unacknowledged
        self._client = _paho_client(name, five=self._five, manual_ack=unacknowledged is not None)
        if will:
            self._client.will_set(will.topic, will.payload, will.qos, will.retain)
        if address.username is not None:
            self._client.username_pw_set(address.username, address.password)
        if tls:
            self._client.tls_set_context(tls)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    def open(self, cancelled: Callable[[], bool]) -> None:
        """Connect and log in, unless it is cancelled meanwhile.

        Raises:
            RefusedError: by the broker; the message is a sentence.
            UnsupportedError: the broker lacks what the will asks for.
            BrokenError: no usable answer.
            OSError: nobody there.
        """
        # MQTT 5: nothing of an earlier session, the outbox knows what is open. 3.1.1 was told so in __init__.
        clean = True if self._five else paho.MQTT_CLEAN_START_FIRST_ONLY
        at = self._address.host, self._address.port, KEEPALIVE_S
        self._client.connect(*at, clean_start=clean, properties=self._wishes())
        until = time.monotonic() + ANSWER_TIMEOUT_S
        while not self._accepted:
            if cancelled():
                raise BrokenError("cancelled")
            if time.monotonic() > until:
                raise BrokenError(f"it accepts connections but does not answer{OLD_BROKER if self._five else ''}")
            try:
                self.step(until - time.monotonic())
            except BrokenError as error:
                raise unanswered_login(error, tls=self._address.tls, five=self._five) from None

    def publish(self, publication: Publication) -> int:
        """Send and return the number by which `step` gives the answer; with QoS 0, that it has been sent.

        Raises:
            BrokenError: the connection has ended.
        """
        sent = self._client.publish(
            publication.topic,
            publication.payload,
            publication.qos,
            publication.retain,
            _properties(publication) if self._five else None,
        )
        if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise closed(self._end)
        return sent.mid

    def subscribe(self, topic_filter: str) -> int:
        """Ask for the messages of these topics and return the number by which `step` gives the answer.

        Raises:
            BrokenError: the connection has ended.
        """
        if lack := self.limits.lack(topic_filter):  # it would close the connection
            self._unsent -= 1
            self._traffic.answers.append(Answer(self._unsent, f"it has no {lack}"))
            return self._unsent
        code, mid = self._client.subscribe(topic_filter, SUBSCRIBE_QOS)
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS or mid is None:
            raise closed(self._end)
        return mid

    def unsubscribe(self, topic_filter: str) -> None:
        """Ask for no more messages of these topics; those on their way still come."""
        self._client.unsubscribe(topic_filter)

    def acknowledge(self, message: Received) -> None:
        """Tell the broker that a message of this connection is dealt with: it forgets it."""
        self._client.ack(message.mid, message.qos)

    def step(self, timeout_s: float) -> Traffic:
        """Wait for traffic or for attention, handle it, and return what came from the broker.

        Raises:
            BrokenError: the connection has ended.
            RefusedError: while logging in.
        """
        # With QoS 0 the answer may be here since `publish`.
        self._wait(0 if self._traffic.answers else timeout_s)
        lives = self._client.socket() is not None and self._client.loop_misc() == MQTTErrorCode.MQTT_ERR_SUCCESS
        traffic, self._traffic = self._traffic, Traffic([], [])
        # What was answered before the end counts; the next step tells of the end.
        if not lives and not any(traffic):
            raise closed(self._end)
        return traffic

    def close(self, *, politely: bool) -> None:
        """End it; politely means that the broker need not publish the will."""
        if politely:
            self._client.disconnect()
        sock = self._client.socket()
        if sock is not None:
            # paho closes when it reads the end of the stream; a broker may keep that waiting.
            sock.close()

    def _wishes(self) -> Properties | None:
        if not self._five:
            return None
        wishes = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        wishes.MaximumPacketSize = LARGEST_PACKET
        if self._unacknowledged is not None:
            wishes.ReceiveMaximum = self._unacknowledged
        return wishes

    def _wait(self, timeout_s: float) -> None:
        client = self._client
        sock = client.socket()
        if sock is None:
            return
        # Decrypted bytes that wait inside TLS don't show in select().
        buffered = bool(getattr(sock, "pending", int)())
        readable, writable, _ = select.select(
            [sock, self._attention.receiver],
            [sock] if client.want_write() else [],
            [],
            0 if buffered else max(0.0, min(timeout_s, 1.0)),
        )
        if self._attention.receiver in readable:
            self._attention.clear()
        if sock in readable or buffered:
            client.loop_read()
        if sock in writable and client.socket() is not None:
            client.loop_write()

    def _on_connect(self, client: paho.Client, userdata: Any, flags: Any, reason: ReasonCode, properties: Any) -> None:
        if reason.is_failure:
            raise refused_login(reason, str(self._address), self._will.topic if self._will else None)
        self._accepted = True
        self.limits = limits = limits_of(properties)
        if not self._will:
            return
        # What the will had to do without, the broker doesn't take from others either.
        self.limits = replace(limits, retain=limits.retain and self._will.retain, qos=min(limits.qos, self._will.qos))

    def _on_disconnect(
        self, client: paho.Client, userdata: Any, flags: Any, reason: ReasonCode, properties: Properties | None
    ) -> None:
        self._end = reason

    def _on_publish(
        self, client: paho.Client, userdata: Any, mid: int, reason: ReasonCode, properties: Properties | None
    ) -> None:
        self._answer(mid, [reason])

    def _on_subscribe(
        self, client: paho.Client, userdata: Any, mid: int, reasons: list[ReasonCode], properties: Properties | None
    ) -> None:
        self._answer(mid, reasons)

    def _answer(self, mid: int, reasons: Iterable[ReasonCode]) -> None:
        for reason in reasons:
            denied = reason.value in (NOT_AUTHORIZED, TOPIC_INVALID)
            rejected = str(reason) if reason.is_failure else None
            self._traffic.answers.append(Answer(mid, rejected, denied, reason.value == NO_SUBSCRIBERS))

    def _on_message(self, client: paho.Client, userdata: Any, message: paho.MQTTMessage) -> None:
        properties = message.properties
        self._traffic.messages.append(
            Received(
                message.topic,
                bytes(message.payload),
                message.qos,
                bool(message.retain),
                getattr(properties, "ResponseTopic", None),
                getattr(properties, "CorrelationData", None),
                tuple(getattr(properties, "UserProperty", ())),
                message.mid,
            )
        )


def _paho_client(name: str, *, five: bool, manual_ack: bool) -> paho.Client:
    # Without reconnect_on_failure=False paho would quietly go down to MQTT 3.1.
    client = paho.Client(
        CallbackAPIVersion.VERSION2,
        name,
        protocol=paho.MQTTv5 if five else paho.MQTTv311,
        clean_session=None if five else True,
        reconnect_on_failure=False,
        manual_ack=manual_ack,
    )
    client.connect_timeout = CONNECT_TIMEOUT_S
    # The outbox has its own window; paho's queue must never hold anything back.
    client.max_inflight_messages = 0
    return client


def _read_text(buffer: bytes, room: int) -> tuple[str, int]:
    """Return a property's text and how many bytes it takes.

    paho's own closes the connection over U+FEFF, which MQTT 5 (1.5.4) allows, and raises UnicodeDecodeError over what
    a careless broker lets pass: a stranger's request, or a photo that is delivered again and again, could do so.
    """
    end = 2 + int.from_bytes(buffer[:2], "big")
    if not 2 <= end <= room:
        raise MalformedPacket("a text is longer than its packet")
    return buffer[2:end].decode("utf-8", "replace"), end


paho_properties.readUTF = _read_text


def _properties(publication: Publication) -> Properties:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    if publication.response_topic is not None:
        properties.ResponseTopic = publication.response_topic
    if publication.correlation_data is not None:
        properties.CorrelationData = publication.correlation_data
    if publication.expiry_s is not None:
        properties.MessageExpiryInterval = publication.expiry_s
    if publication.user_properties:
        properties.UserProperty = list(publication.user_properties)
    return properties
