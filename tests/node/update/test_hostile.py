"""What somebody can do who may publish and has not the key."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from edge_caption.errors import ConfigError, UpdateError
from edge_caption.model.signed import read_key, read_public
from edge_caption.mqtt.address import Address
from edge_caption.mqtt.push import Push, source_of
from edge_caption.mqtt.settings import MqttSettings
from edge_caption.node.update import download
from tests.brokers import Listener, Mosquitto, listener, mosquitto, retained, running, wait_for
from tests.node.update.conftest import Make, make, public
from tests.node.update.test_updates import (
    Bring,
    Run,
    assert_captions_flow_on_without_a_gap,
    captions_of,
    push,
    run,
    told,
)

__all__ = ["listener", "make", "mosquitto", "public", "push", "run"]


@pytest.fixture
def dripping() -> Iterator[str]:
    """A server that gives a byte now and then, for ever."""
    server, ended = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def drip() -> None:
        client, _ = server.accept()
        with client, contextlib.suppress(OSError):
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nedge-caption-update 1 ")
            while not ended.wait(0.05):
                client.sendall(b"x")

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}/2.update"
    ended.set()
    thread.join(5)
    server.close()


def test_a_server_that_gives_bytes_one_by_one_holds_nobody_up(
    dripping: str, monkeypatch: pytest.MonkeyPatch, run: Run, listener: Listener, make: Make, push: Bring
) -> None:
    monkeypatch.setattr(download, "HEAD_S", 1.0)
    run()
    wait_for(lambda: captions_of(listener))
    began = time.monotonic()
    with pytest.raises(UpdateError, match="gives no head in 1 s; check the server"):
        push(dripping)
    assert time.monotonic() - began < 10
    assert push(make("2"))[-1].installed_version == "2"


def test_a_flood_of_pieces_that_nobody_waits_for_is_not_kept(
    run: Run, mosquitto: Mosquitto, listener: Listener, make: Make, push: Bring
) -> None:
    run()
    wait_for(lambda: "edge_caption/pi/update/+/+ (QoS 1)" in mosquitto.log())
    for number in range(300):
        listener.publish(f"edge_caption/pi/update/0123456789abcdef/{number}", bytes(100_000))
    assert push(make("2"))[-1].installed_version == "2"
    assert_captions_flow_on_without_a_gap(listener, "2")


def test_a_message_larger_than_any_command_does_not_even_come(
    run: Run, mosquitto: Mosquitto, listener: Listener
) -> None:
    run()
    wait_for(lambda: "edge_caption/pi/bridge/request/+ (QoS 1)" in mosquitto.log())
    listener.publish("edge_caption/pi/bridge/request/status", bytes(33_600_000))
    listener.publish("edge_caption/pi/bridge/request/status", b"")
    answers = wait_for(lambda: listener.payloads("bridge/response/status"))
    assert b'"status":"ok"' in answers[0]
    assert_captions_flow_on_without_a_gap(listener, "1")


def test_a_piece_that_the_broker_kept_is_not_taken(
    run: Run, mosquitto: Mosquitto, listener: Listener, make: Make, push: Bring
) -> None:
    node, file = run(), make("2")
    wait_for(lambda: "edge_caption/pi/bridge/request/+ (QoS 1)" in mosquitto.log())
    listener.publish("edge_caption/pi/bridge/request/update", msgspec.json.encode(source_of(str(file)).fields))
    wait_for(lambda: b'"receiving"' in b"".join(listener.payloads("pi/update")))
    node.end()
    listener.publish(f"edge_caption/pi/update/{source_of(str(file)).id}/0", bytes(50_000), retain=True)
    run()
    wait_for(lambda: mosquitto.log().count("edge_caption/pi/update/+/+ (QoS 1)") == 2)
    assert push(file)[-1].installed_version == "2"
    wait_for(lambda: told(listener) == ["update_begun", "update_done"])


def test_what_others_say_on_the_topics_of_an_update_does_not_end_it(
    run: Run, mosquitto: Mosquitto, listener: Listener, make: Make, tmp_path: Path
) -> None:
    run()
    settings = MqttSettings(broker=Address.parse(mosquitto.url))
    states = Push(settings, "edge_caption", source_of(str(make("2"))), install=True).bring("pi", 20)
    assert next(states).state == "receiving"
    for payload in (
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"data": 7}',
        b'{"transaction": 1, "data": {}}',
        b'{"x":' + b"[" * 9999,
    ):
        listener.publish("edge_caption/pi/update", payload)
        listener.publish("edge_caption/pi/bridge/response/update", payload)
    assert list(states)[-1].installed_version == "2"


def test_bytes_that_a_stranger_sends_cost_time_and_not_the_update(
    run: Run, mosquitto: Mosquitto, listener: Listener, make: Make, push: Bring
) -> None:
    run()
    source = source_of(str(make("2")))
    wait_for(lambda: "edge_caption/pi/bridge/request/+ (QoS 1)" in mosquitto.log())
    listener.publish("edge_caption/pi/bridge/request/update", msgspec.json.encode(source.fields))
    wait_for(lambda: b'"receiving"' in b"".join(listener.payloads("pi/update")))
    listener.publish(f"edge_caption/pi/update/{source.id}/0", bytes(50))
    assert push(source.file)[-1].installed_version == "2"
    wait_for(lambda: told(listener) == ["update_begun", "update_done"])


def test_a_visit_of_the_doctor_is_no_failed_command(
    run: Run, mosquitto: Mosquitto, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    run()
    wait_for(lambda: "edge_caption/pi/bridge/request/+ (QoS 1)" in mosquitto.log())
    listener.publish("edge_caption/pi/bridge/request/doctor", b"")
    listener.publish("edge_caption/pi/bridge/request/status", b"")
    wait_for(lambda: listener.payloads("bridge/response/status"))
    assert listener.payloads("bridge/response/doctor") == []
    assert "doctor" not in caplog.text


def test_without_the_package_that_knows_signatures_it_is_named(
    tmp_path: Path, public: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("cryptography")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    for use in (lambda: read_public(public), lambda: read_key(tmp_path / "owner.key")):
        with pytest.raises(ConfigError, match=r"pip install 'edge-caption\[fleet\]'"):
            use()


def test_garbage_as_a_head_or_a_request_is_a_sentence(run: Run, mosquitto: Mosquitto, listener: Listener) -> None:
    run()
    wait_for(lambda: "edge_caption/pi/bridge/request/+ (QoS 1)" in mosquitto.log())
    for payload, said in {
        b'{"head": "\xc3\xa4"}': b"is not base64",
        b'{"head": "AAAA"}': b"no update file of this form",
        b'{"head": ""}': b"no update file of this form",
        b'{"head": 7}': b"the request is wrong",
        b'{"head": ' + b"[" * 100_000: b"the request is no JSON object",
        b'{"url": "file:///etc/passwd"}': b"must begin with http:// or https://",
        b'{"url": "http://me:word@host/x"}': b"leave the login out",
        b'{"url": "http://x/", "head": "AAAA"}': b"give url or head, not both",
        b'{"install": "yes"}': b"the request is wrong",
        b"x" * 200_000: b"131,072 are the most",
    }.items():
        listener.messages.clear()
        listener.publish("edge_caption/pi/bridge/request/update", payload)
        answer = wait_for(lambda: listener.payloads("bridge/response/update"))[0]
        assert said in answer
        assert b"word" not in answer.replace(b"password", b"")


def test_a_file_of_another_kind_is_not_sent(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(bytes(100_000))
    with pytest.raises(UpdateError, match="no update file"):
        source_of(str(tmp_path / "x"))
    (tmp_path / "deep").write_bytes(b'edge-caption-update 1 x\n{"x":' + b"[" * 9999 + b"\n")
    with pytest.raises(UpdateError, match="the update's head is not understood"):
        source_of(str(tmp_path / "deep"))
    with pytest.raises(UpdateError, match="ftp:// is not fetched by nodes"):
        source_of("ftp://host/x")


def test_a_broker_that_takes_no_packet_as_large_as_the_head_is_named(tmp_path: Path, make: Make) -> None:
    with contextlib.contextmanager(running)(tmp_path, "allow_anonymous true", "max_packet_size 300") as broker:
        push = Push(
            MqttSettings(broker=Address.parse(broker.url)), "edge_caption", source_of(str(make())), install=True
        )
        with pytest.raises(UpdateError, match=r"the broker takes 300 at most; raise its packet limit"):
            list(push.bring("pi", 5))


def test_a_file_that_was_cut_short_is_not_sent(make: Make) -> None:
    file = make("2")
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(UpdateError, match="is cut short or altered"):
        source_of(str(file))


def test_a_file_that_changes_while_it_is_sent_is_a_sentence(run: Run, mosquitto: Mosquitto, make: Make) -> None:
    run()
    file, settings = make("2", extra=3_000_000), MqttSettings(broker=Address.parse(mosquitto.url))
    states = Push(settings, "edge_caption", source_of(str(file)), install=True).bring("pi", 20)
    assert next(states).state == "receiving"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(UpdateError, match="has become shorter meanwhile; run this again"):
        list(states)
    source = source_of(str(make("3")))
    (file.parent / "3.update").unlink()
    with pytest.raises(UpdateError, match="can't be read any more: No such file"):
        source.read(0, 10)


def test_a_node_that_takes_updates_no_more_is_not_found_as_one_that_does(
    run: Run, mosquitto: Mosquitto, make: Make, push: Bring
) -> None:
    node = run()
    push(make("2"))
    assert "edge_caption/pi/update" in retained(mosquitto.port)
    node.end()
    run(public_key=None)
    wait_for(lambda: "edge_caption/pi/update" not in retained(mosquitto.port))
