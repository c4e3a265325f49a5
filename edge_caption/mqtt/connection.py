"""One connection to a broker, from connecting to its end; the next one is a new object.

The thread that calls `step` is the only one that touches paho: callbacks run inside `step`, so an acknowledgement
cannot overtake the note of what it acknowledges, and an exception in one reaches that thread instead of killing
a hidden one.
"""

from __future__ import annotations

import logging
import select
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY, Client, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge_caption.mqtt.address import Address
from edge_caption.mqtt.selectable_event import SelectableEvent

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 10.0
KEEPALIVE_S = 30
QOS = 1

# MQTT 5, 2.4: what a broker may answer.
UNSUPPORTED_PROTOCOL = 132
TAKEN_OVER = 142
NOT_AUTHORIZED = 135
TOPIC_INVALID = 144
WAIT_AND_RETRY = frozenset({128, 131, 136, 137, 139, 151, 156, 157, 159})


class RefusedError(Exception):
    """The broker does not let this client in, and would not the next time either."""


class BrokenError(Exception):
    """The connection has ended."""


class TakenOverError(BrokenError):
    """Another client with the same name has connected."""


@dataclass(frozen=True)
class Answer:
    """What the broker said of one publication."""

    mid: int

    rejected: str | None
    """Why it does not want it; None when it took it."""

    denied: bool = False
    """It would not want anything on this topic."""


class Connection:
    """Publishes with QoS 1 and collects the answers."""

    def __init__(
        self,
        address: Address,
        protocol: str,
        name: str,
        will_topic: str,
        wake: SelectableEvent,
        ca_file: str | None = None,
    ) -> None:
        """Prepare; nothing is sent.

        Args:
            address: of the broker.
            protocol: "5" or "3.1.1".
            name: the client id.
            will_topic: where the broker publishes a retained `offline` should this client vanish.
            wake: ends the wait in `step`.
            ca_file: certificates to trust in place of the system's.
        """
        self.receive_maximum = 65_535
        """Publications without an answer that the broker allows (MQTT 5, 3.2.2.3.3)."""
        self.maximum_packet = 268_435_460
        """Bytes of a packet that the broker allows (MQTT 5, 3.2.2.3.6)."""
        self._address = address
        self._wake = wake
        self._answers: list[Answer] = []
        self._accepted = False
        self._end: ReasonCode | None = None
        five = protocol == "5"
        # Without reconnect_on_failure=False paho would quietly go down to MQTT 3.1.
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            name,
            protocol=MQTTv5 if five else MQTTv311,
            clean_session=None if five else True,
            reconnect_on_failure=False,
        )
        self._client.connect_timeout = CONNECT_TIMEOUT_S
        # The outbox has its own window; paho's queue must never hold anything back.
        self._client.max_inflight_messages = 0
        self._client.will_set(will_topic, b"offline", QOS, retain=True)
        if address.username is not None:
            self._client.username_pw_set(address.username, address.password)
        if address.tls:
            self._client.tls_set(ca_certs=ca_file)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish

    def open(self, cancelled: Callable[[], bool]) -> None:
        """Connect and log in, unless it is cancelled meanwhile.

        Raises:
            RefusedError: by the broker; the message is a sentence.
            BrokenError: no usable answer.
            OSError: nobody there.
        """
        # MQTT 5: nothing of an earlier session, the outbox knows what is open. 3.1.1 was told so in __init__.
        clean = True if self._client.protocol == MQTTv5 else MQTT_CLEAN_START_FIRST_ONLY
        self._client.connect(self._address.host, self._address.port, KEEPALIVE_S, clean_start=clean)
        until = time.monotonic() + ANSWER_TIMEOUT_S
        while not self._accepted:
            if cancelled():
                raise BrokenError("cancelled")
            if time.monotonic() > until:
                hint = "; an old broker may need --protocol 3.1.1" if self._client.protocol == MQTTv5 else ""
                raise BrokenError(f"it accepts connections but does not answer{hint}")
            self.step(until - time.monotonic())

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> int:
        """Send and return the number by which `step` gives the answer.

        Raises:
            BrokenError: the connection has ended.
        """
        sent = self._client.publish(topic, payload, QOS, retain)
        if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise self._broken()
        return sent.mid

    def step(self, timeout_s: float) -> list[Answer]:
        """Wait for traffic or a wake-up, handle it and return the broker's answers.

        Raises:
            BrokenError: the connection has ended.
            RefusedError: while logging in.
        """
        self._wait(timeout_s)
        lives = self._client.socket() is not None and self._client.loop_misc() == MQTTErrorCode.MQTT_ERR_SUCCESS
        answers, self._answers = self._answers, []
        # What was answered before the end counts; the next step tells of the end.
        if not lives and not answers:
            raise self._broken()
        return answers

    def close(self, *, politely: bool) -> None:
        """End it; politely means that the broker need not publish the will."""
        if politely:
            self._client.disconnect()
        sock = self._client.socket()
        if sock is not None:
            # paho closes when it reads the end of the stream; a broker may keep that waiting.
            sock.close()

    def _wait(self, timeout_s: float) -> None:
        client = self._client
        sock = client.socket()
        if sock is None:
            return
        # Decrypted bytes that wait inside TLS don't show in select().
        buffered = bool(getattr(sock, "pending", int)())
        readable, writable, _ = select.select(
            [sock, self._wake.receiver],
            [sock] if client.want_write() else [],
            [],
            0 if buffered else max(0.0, min(timeout_s, 1.0)),
        )
        if self._wake.receiver in readable:
            self._wake.clear()
        if sock in readable or buffered:
            client.loop_read()
        if sock in writable and client.socket() is not None:
            client.loop_write()

    def _broken(self) -> BrokenError:
        if self._end is not None and self._end.value == TAKEN_OVER:
            return TakenOverError()
        said = f" ({self._end})" if self._end is not None and self._end.value != 128 else ""
        return BrokenError(f"it closed the connection{said}")

    def _on_connect(self, client: Client, userdata: Any, flags: Any, reason: ReasonCode, properties: Any) -> None:
        if not reason.is_failure:
            self._accepted = True
            self.receive_maximum = getattr(properties, "ReceiveMaximum", self.receive_maximum)
            self.maximum_packet = getattr(properties, "MaximumPacketSize", self.maximum_packet)
        elif reason.value == UNSUPPORTED_PROTOCOL:
            raise RefusedError(f"{self._address} does not speak MQTT 5; run with --protocol 3.1.1")
        elif reason.value in WAIT_AND_RETRY:
            raise BrokenError(f"it does not take connections now: {reason}")
        else:
            raise RefusedError(f"{self._address} refused the login ({reason}); check the user name and password")

    def _on_disconnect(
        self, client: Client, userdata: Any, flags: Any, reason: ReasonCode, properties: Properties | None
    ) -> None:
        self._end = reason

    def _on_publish(
        self, client: Client, userdata: Any, mid: int, reason: ReasonCode, properties: Properties | None
    ) -> None:
        denied = reason.value in (NOT_AUTHORIZED, TOPIC_INVALID)
        self._answers.append(Answer(mid, str(reason) if reason.is_failure else None, denied))
