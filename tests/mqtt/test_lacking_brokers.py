"""Brokers that don't take everything, or lack something."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from edge_caption.commands.cli import main
from edge_caption.mqtt.address import Address
from edge_caption.mqtt.line import FIGHT_ROUNDS, Line
from edge_caption.mqtt.selectable_event import SelectableEvent
from edge_caption.mqtt.settings import MqttSettings
from edge_caption.mqtt.watching.fleet import Fleet
from edge_caption.mqtt.watching.watcher import Watcher
from edge_caption.outbox import Outbox
from tests.brokers import Listener, retained, wait_for
from tests.mqtt.conftest import TOPICS, RunBroker, Start, commit

ANYBODY = "allow_anonymous true"


def told(caplog: pytest.LogCaptureFixture, about: str) -> list[str]:
    return [record.message for record in caplog.records if about in record.message]


def test_what_is_too_large_is_parked_on_every_path_and_the_rest_goes_on(
    run_broker: RunBroker, outbox: Outbox, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    outbox.commit("cam/porch/event", lambda _: bytes(5000))
    commit(outbox, 3)
    broker = run_broker(ANYBODY, "max_packet_size 2000")
    client = start(broker.url)
    for size in (5000, 6000):
        client.retain(TOPICS.caption("porch"), bytes(size))
        client.retain(TOPICS.health, b"small")
        wait_for(lambda: outbox.depth == 1)
    wait_for(lambda: retained(broker.port).get(TOPICS.health) == b"small")
    assert outbox.rejected == 1
    assert TOPICS.caption("porch") not in retained(broker.port)
    client.retain(TOPICS.caption("porch"), b"small enough")
    wait_for(lambda: retained(broker.port).get(TOPICS.caption("porch")) == b"small enough")
    assert client.connections == 1
    assert "oversize" not in broker.log()
    assert len(told(caplog, TOPICS.event("porch"))) == len(told(caplog, TOPICS.caption("porch"))) == 1
    assert "larger than the 2,000 that it allows" in caplog.text
    assert "raise its packet limit (Mosquitto: max_packet_size)" in caplog.text


@pytest.mark.parametrize("path", ["event", "retained"])
def test_what_an_old_broker_closes_the_connection_over_is_found_and_parked(
    run_broker: RunBroker, outbox: Outbox, start: Start, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    commit(outbox, 3)
    if path == "event":
        outbox.commit("cam/porch/event", lambda _: bytes(5000))
    commit(outbox, 3)
    broker = run_broker(ANYBODY, "max_packet_size 2000")
    client = start(broker.url, protocol="3.1.1")
    client.retain(TOPICS.health, b"small" if path == "event" else bytes(5000))
    client.retain(TOPICS.caption("porch"), b"small")
    wait_for(lambda: outbox.depth == outbox.rejected == (path == "event"))
    wait_for(lambda: retained(broker.port).get(TOPICS.caption("porch")) == b"small")
    connections = client.connections
    commit(outbox, 5)
    client.notice()
    wait_for(lambda: outbox.depth == outbox.rejected)
    assert client.connections == connections <= 4
    topic = TOPICS.event("porch") if path == "event" else TOPICS.health
    assert len(told(caplog, f"the broker rejects {topic} (it closes the connection over it); its log may say why")) == 1
    assert "another client" not in caplog.text


LACKS: dict[str, Callable[[str], bool]] = {
    "retain_available false": lambda said: "keeps no retained messages" in said and "QoS 0" not in said,
    "max_qos 0": lambda said: "takes QoS 0 only and acknowledges nothing" in said and "retained" not in said,
    "retain_available false\nmax_qos 0": lambda said: "keeps no retained messages" in said and "QoS 0" in said,
}


@pytest.mark.parametrize("lines", LACKS)
def test_a_broker_that_lacks_something_gets_the_rest_and_what_is_lost_is_said_once(
    run_broker: RunBroker, outbox: Outbox, start: Start, caplog: pytest.LogCaptureFixture, lines: str
) -> None:
    broker = run_broker(ANYBODY, lines)
    heard = Listener(broker.port)
    commit(outbox, 100)
    client = start(broker.url)
    wait_for(lambda: heard.sequences() == set(range(1, 101)))
    client.retain(TOPICS.health, b"alive")
    wait_for(lambda: heard.payloads("/health"))
    wait_for(lambda: outbox.depth == 0)
    assert client.failure is None
    assert client.connections == 1
    assert client.stop(1)
    wait_for(lambda: heard.payloads("pi/status") == [b"online", b"offline"])
    kept = set(retained(broker.port))
    heard.close()
    assert kept == (set() if "retain_available" in lines else {TOPICS.health, TOPICS.status})
    errors = [record.message for record in caplog.records if record.levelname in ("ERROR", "WARNING")]
    assert LACKS[lines]("\n".join(errors))
    assert len(errors) == lines.count("\n") + 1
    assert "password" not in caplog.text


def test_a_denied_status_is_named_and_the_rest_goes_on(
    run_broker: RunBroker, tmp_path: Path, outbox: Outbox, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    rules = tmp_path / "rules"
    rules.write_text(f"topic write {TOPICS.event('porch')}\ntopic read #\n")
    rules.chmod(0o644)
    commit(outbox, 3)
    client = start(run_broker(ANYBODY, f"acl_file {rules}").url)
    wait_for(lambda: outbox.depth == 0)
    assert client.connections == 1
    reason = f"the broker rejects {TOPICS.status} (Not authorized); let this client's user write to it"
    assert told(caplog, "rejects") == [f"{reason}; what it rejects is not published"]


DYNAMIC_SECURITY = Path("/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so")


@pytest.mark.skipif(not DYNAMIC_SECURITY.exists(), reason="Mosquitto's dynamic security is not here")
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_denied_subscription_is_named_and_the_rest_goes_on(
    run_broker: RunBroker,
    tmp_path: Path,
    outbox: Outbox,
    start: Start,
    caplog: pytest.LogCaptureFixture,
    protocol: str,
) -> None:
    rights = tmp_path / "rights.json"
    access = {"publishClientSend": True, "publishClientReceive": True, "subscribe": False, "unsubscribe": True}
    nobody: list[str] = []
    rights.write_bytes(msgspec.json.encode({"clients": nobody, "roles": nobody, "defaultACLAccess": access}))
    lines = (ANYBODY, f"plugin {DYNAMIC_SECURITY}", f"plugin_opt_config_file {rights}")
    client = start(run_broker(*lines).url, protocol=protocol)
    client.subscribe("edge_caption/pi/bridge/request/#", lambda _: None)
    wait_for(lambda: told(caplog, "rejects"))
    commit(outbox, 3)
    client.notice()
    wait_for(lambda: outbox.depth == 0)
    assert client.connections == 1
    (sentence,) = told(caplog, "rejects")
    assert "edge_caption/pi/bridge/request/#" in sentence
    assert "let this client's user read it; its messages don't arrive here" in sentence


class Strict:
    """A broker that lets clients in with these properties and answers each further packet with these bytes, if any."""

    def __init__(self, properties: bytes, answer: bytes = b"") -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"mqtt://127.0.0.1:{self._server.getsockname()[1]}"
        self.received = b""
        self.clients = 0
        self._properties, self._answer = properties, answer
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                with self._server.accept()[0] as client:
                    self._serve(client)

    def _serve(self, client: socket.socket) -> None:
        self.clients += 1
        client.recv(4096)
        client.sendall(bytes([0x20, 3 + len(self._properties), 0, 0, len(self._properties)]) + self._properties)
        while data := client.recv(4096):
            self.received += data
            if self._answer:
                client.sendall(self._answer)
                client.shutdown(socket.SHUT_WR)  # to close beside unread bytes would throw the answer away
                while client.recv(4096):
                    pass
                return


NO_WILDCARDS, NO_SHARED = b"\x28\x00", b"\x2a\x00"


def test_a_denied_subscription_is_asked_for_again_once_the_access_list_may_have_changed(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A broker that denies a subscription (0x87) and, asked again over the same connection, grants it."""
    monkeypatch.setattr("edge_caption.mqtt.client.RETRY_REJECTED_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = start(f"mqtt://127.0.0.1:{server.getsockname()[1]}")
        client.subscribe("a/b", lambda _: None)
        with server.accept()[0] as broker:
            broker.settimeout(10)
            broker.recv(4096)
            broker.sendall(bytes([0x20, 3, 0, 0, 0]))
            for code in (0x87, 0x01):
                received = b""
                while b"\x00\x03a/b" not in received:
                    received += broker.recv(4096)
                begins = received.index(b"\x00\x03a/b") - 3  # the number, and no properties
                broker.sendall(bytes([0x90, 4, *received[begins : begins + 2], 0, code]))
            client.stop(0)
    assert len(told(caplog, "rejects a/b")) == 1


def test_a_broker_without_wildcards_gets_the_rest_and_no_subscription_that_it_closes_over(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    with contextlib.closing(Strict(NO_WILDCARDS)) as broker:
        client = start(broker.url)
        client.subscribe("edge_caption/pi/cam/+/trigger", lambda _: None)
        client.subscribe("homeassistant/status", lambda _: None)
        wait_for(lambda: b"homeassistant/status" in broker.received)
        wait_for(lambda: told(caplog, "rejects"))
        client.stop(0)
        assert (b"+" in broker.received, client.connections) == (False, 1)
    reason = "the broker rejects edge_caption/pi/cam/+/trigger (it has no wildcard subscriptions)"
    assert told(caplog, "rejects") == [f"{reason}; use a broker that has them; its messages don't arrive here"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["worker", "--name", "one", "--bundle", "{tiny}"],
            "$share/workers/edge_caption/work (it has no shared subscriptions)",
        ),
        (["watch"], "the broker lets nobody read edge_caption/+/status (it has no wildcard subscriptions)"),
        (
            ["update", "{update}", "--all"],
            "the broker has no wildcard subscriptions, so nodes can't be found",
        ),
    ],
)
def test_a_command_that_needs_what_the_broker_lacks_ends_with_a_sentence(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    with contextlib.closing(Strict(NO_WILDCARDS + NO_SHARED)) as broker:
        known = {"tiny": tiny_bundle, "update": "https://example.org/2.update"}
        assert main([each.format(**known) for each in arguments] + ["--broker", broker.url]) == 1
    assert says in capsys.readouterr().err


def test_who_is_thrown_out_for_a_reason_blames_no_namesake(caplog: pytest.LogCaptureFixture) -> None:
    """DISCONNECT with 0x97: quota exceeded."""
    with contextlib.closing(Strict(b"", b"\xe0\x02\x97\x00")) as broker:
        settings = MqttSettings(broker=Address.parse(broker.url))
        watcher = Watcher(Fleet("edge_caption"), lambda _: None)
        with contextlib.closing(SelectableEvent()) as attention:
            Line(settings, "watch", attention).keep(watcher, lambda: broker.clients > FIGHT_ROUNDS)
    assert "another client" not in caplog.text
    assert "it closed the connection (Quota exceeded)" in caplog.text


def test_what_the_will_had_to_do_without_is_not_asked_for_again(start: Start) -> None:
    """A broker that refuses a retained will and then does not say that it retains nothing, in bytes (MQTT 5, 3.2)."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = start(f"mqtt://127.0.0.1:{server.getsockname()[1]}")
        client.retain(TOPICS.health, b"{}")
        with server.accept()[0] as first:
            first.recv(4096)
            first.sendall(bytes([0x20, 3, 0, 0x9A, 0]))
        with server.accept()[0] as second:
            second.recv(4096)
            second.sendall(bytes([0x20, 3, 0, 0, 0]))
            published = b""
            while TOPICS.health.encode() not in published:
                published += second.recv(4096)
            client.stop(0)
    # PUBLISH with QoS 1, not retained; the topic begins four bytes later.
    assert published[published.index(TOPICS.health.encode()) - 4] == 0x32
