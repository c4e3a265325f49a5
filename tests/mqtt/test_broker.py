from __future__ import annotations

import subprocess
import sys

import pytest

from edge_caption.errors import ConfigError
from edge_caption.mqtt.broker import EmbeddedBroker, free_port, port_is_free
from tests.brokers import Listener, retained

pytest.importorskip("amqtt", reason="the embedded broker is an extra")


def test_it_keeps_retained_values_and_frees_its_port_in_the_end() -> None:
    port = free_port()
    broker = EmbeddedBroker(port)
    listener = Listener(port)
    listener._client.publish("a/b", b"kept", 1, retain=True).wait_for_publish(5)
    assert retained(port)["a/b"] == b"kept"
    listener.close()
    broker.close()
    assert port_is_free(port)


def test_a_taken_port_is_named_with_the_way_out() -> None:
    port = free_port()
    broker = EmbeddedBroker(port)
    with pytest.raises(ConfigError, match=rf"port {port} is taken, .*--broker mqtt://localhost:{port}.*embedded:PORT"):
        EmbeddedBroker(port)
    broker.close()


WITHOUT_AMQTT = """
import sys
sys.modules["amqtt"] = None  # How Python itself marks what cannot be imported.
from edge_caption.errors import ConfigError
from edge_caption.mqtt.broker import EmbeddedBroker
try:
    EmbeddedBroker(1883)
except ConfigError as error:
    print(error)
"""


def test_without_amqtt_the_extra_is_named() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_AMQTT], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "the embedded broker needs amqtt; run: pip install 'edge-caption[broker]'"
