from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from paho.mqtt.client import Client as Paho
from paho.mqtt.client import MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge_caption.mqtt import client as client_file
from edge_caption.mqtt.publication import Publication, Received
from tests.brokers import Listener, Mosquitto, wait_for
from tests.mqtt.conftest import Start

REQUESTS = "edge_caption/pi/bridge/request/#"
STATUS = "edge_caption/pi/bridge/request/status"


@pytest.fixture
def asker(mosquitto: Mosquitto) -> Iterator[Paho]:
    """Another client, with MQTT 5."""
    client = Paho(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    connected = threading.Event()
    client.on_connect = lambda *_: connected.set()
    client.connect("127.0.0.1", mosquitto.port)
    client.loop_start()
    assert connected.wait(5)
    yield client
    client.disconnect()
    client.loop_stop()


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_handler_gets_what_matches_with_all_that_the_sender_said(
    mosquitto: Mosquitto, asker: Paho, start: Start, mark: str
) -> None:
    got: list[Received] = []
    client = start(mosquitto.url)
    client.subscribe(REQUESTS, got.append)
    wait_for(lambda: "Received SUBSCRIBE" in mosquitto.log())
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.ResponseTopic = f"{mark}answers/17"
    properties.CorrelationData = b"\x00\x01"
    properties.UserProperty = [("file", f"{mark}é.jpg")]
    asker.publish("edge_caption/pi/cam/porch/other", b"not asked for", 1)
    asker.publish(STATUS, b"{}", 1, properties=properties)
    wait_for(lambda: got)
    assert got == [Received(STATUS, b"{}", 1, False, f"{mark}answers/17", b"\x00\x01", (("file", f"{mark}é.jpg"),))]
    assert client.connections == 1


class CarelessBroker:
    """Lets one client in and sends it texts that are no UTF-8, as brokers do that check none."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError), self._server.accept()[0] as client:
            client.recv(4096)
            client.sendall(b"\x20\x03\x00\x00\x00")
            for data in iter(lambda: client.recv(4096), b""):
                if REQUESTS.encode() in data:  # subscribed: before, nobody would take the text
                    break
            topic, properties = STATUS.encode(), b"\x08\x00\x03a/\xff"
            body = len(topic).to_bytes(2, "big") + topic + bytes([len(properties)]) + properties + b"{}"
            client.sendall(b"\x30" + bytes([len(body)]) + body)
            while client.recv(4096):
                pass


def test_a_text_that_is_no_utf_8_ends_no_connection(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    got: list[Received] = []
    with contextlib.closing(CarelessBroker()) as broker:
        client = start(f"mqtt://127.0.0.1:{broker.port}")
        client.subscribe(REQUESTS, got.append)
        wait_for(lambda: got)
        assert got == [Received(STATUS, b"{}", response_topic="a/\ufffd")]
        assert client.connections == 1
        client.stop(0)
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_what_was_retained_before_is_marked_and_what_comes_later_is_not(
    mosquitto: Mosquitto, asker: Paho, start: Start, protocol: str
) -> None:
    got: list[Received] = []
    asker.publish(STATUS, b"old", 1, retain=True).wait_for_publish(5)
    start(mosquitto.url, protocol=protocol).subscribe(REQUESTS, got.append)
    wait_for(lambda: got)
    asker.publish(STATUS, b"new", 1, retain=True)
    wait_for(lambda: len(got) == 2)
    assert [(message.payload, message.retained) for message in got] == [(b"old", True), (b"new", False)]


def test_subscriptions_outlive_a_restart_of_the_broker(
    mosquitto: Mosquitto, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_file, "LASTING_S", 0.1)
    got: list[Received] = []
    client = start(mosquitto.url)
    client.subscribe(REQUESTS, got.append)
    wait_for(lambda: mosquitto.log().count("Received SUBSCRIBE from edge_caption-pi") == 1)
    assert client.reconnects == 0
    mosquitto.stop()
    mosquitto.start()
    wait_for(lambda: client.reconnects == 1)
    later = Listener(mosquitto.port, "none")
    wait_for(lambda: mosquitto.log().count("Received SUBSCRIBE from edge_caption-pi") == 2)
    later.publish(STATUS, b"after")
    wait_for(lambda: got)
    assert [message.payload for message in got] == [b"after"]
    later.close()


def test_a_handler_that_raises_is_named_and_harms_nobody(
    mosquitto: Mosquitto, asker: Paho, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    got: list[Received] = []
    client = start(mosquitto.url)
    client.subscribe(REQUESTS, lambda _: 1 / 0)  # type: ignore[arg-type]
    client.subscribe("edge_caption/+/bridge/request/+", got.append)
    wait_for(lambda: mosquitto.log().count("Received SUBSCRIBE") == 2)
    for _ in range(3):
        asker.publish(STATUS, b"{}", 1)
    # Mosquitto sends a message once for each subscription that matches.
    wait_for(lambda: len(got) >= 3)
    assert f"a message on {STATUS} could not be handled" in caplog.text
    assert client.connections == 1


def test_an_answer_carries_correlation_data_expiry_and_user_properties(
    mosquitto: Mosquitto, asker: Paho, start: Start
) -> None:
    got: list[Any] = []
    asker.on_message = lambda _client, _data, message: got.append(message.properties)
    asker.subscribe("answers/#", 1)
    client = start(mosquitto.url)
    wait_for(lambda: client.connections)
    answer = Publication("answers/17", b"{}", 1, False, b"\x00\x01", 60, (("schema", "1"),))
    wait_for(lambda: client.publish(answer))
    wait_for(lambda: got)
    assert got[0].CorrelationData == b"\x00\x01"
    assert 58 <= got[0].MessageExpiryInterval <= 60
    assert got[0].UserProperty == [("schema", "1")]


def test_an_answer_without_a_connection_is_refused_and_never_sent(mosquitto: Mosquitto, start: Start) -> None:
    heard = Listener(mosquitto.port)
    mosquitto.stop()
    client = start(mosquitto.url)
    assert not client.publish(Publication("answers/17", b"too early"))
    mosquitto.start()
    wait_for(lambda: client.publish(Publication("answers/17", b"in time")))
    wait_for(lambda: heard.payloads("answers/17"))
    assert heard.payloads("answers/17") == [b"in time"]
    heard.close()
