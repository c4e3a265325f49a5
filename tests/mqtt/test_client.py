from __future__ import annotations

import logging
import random
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge_caption.mqtt import client as client_file
from edge_caption.mqtt import delivery
from edge_caption.mqtt.address import Address
from edge_caption.mqtt.broker import free_port
from edge_caption.mqtt.line import Line
from edge_caption.mqtt.selectable_event import SelectableEvent
from edge_caption.mqtt.settings import MqttSettings
from edge_caption.mqtt.watching.fleet import Fleet
from edge_caption.mqtt.watching.watcher import Watcher
from edge_caption.outbox import Outbox
from tests.brokers import Listener, Mosquitto, retained, running, wait_for
from tests.mqtt.conftest import TOPICS, RunBroker, Silent, Start, commit


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_the_outbox_reaches_a_subscriber_and_empties(
    mosquitto: Mosquitto, listener: Listener, outbox: Outbox, start: Start, protocol: str
) -> None:
    commit(outbox, 50)
    client = start(mosquitto.url, protocol=protocol)
    commit(outbox, 50)
    client.notice()
    wait_for(lambda: outbox.depth == 0)
    assert [event["id"] for event in listener.events()] == [f"pi:{number}" for number in range(1, 101)]
    assert retained(mosquitto.port) == {TOPICS.status: b"online"}


def test_a_stop_says_offline_before_the_connection_ends(mosquitto: Mosquitto, listener: Listener, start: Start) -> None:
    client = start(mosquitto.url)
    wait_for(lambda: listener.payloads("/status"))
    assert client.stop(1)
    wait_for(lambda: len(listener.payloads("/status")) == 2)
    time.sleep(0.2)
    assert listener.payloads("/status") == [b"online", b"offline"]


def test_a_stop_while_connecting_is_not_told_as_an_outage(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = start(f"mqtt://127.0.0.1:{server.getsockname()[1]}")
        visitor, _ = server.accept()
        with visitor:
            assert client.stop(0)
    assert "not reachable" not in caplog.text


def test_a_retained_topic_gets_the_newest_value_only(mosquitto: Mosquitto, start: Start) -> None:
    first = Listener(mosquitto.port)
    mosquitto.stop()
    client = start(mosquitto.url)
    for number in range(100):
        client.retain(TOPICS.caption("porch"), b"%d" % number)
    mosquitto.start()
    wait_for(lambda: first.payloads("/caption"))
    time.sleep(0.2)
    assert first.payloads("/caption") == [b"99"]
    first.close()
    assert retained(mosquitto.port)[TOPICS.caption("porch")] == b"99"


def test_an_absent_broker_is_told_once_and_gets_everything_later(
    tmp_path: Path, outbox: Outbox, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    client = start(f"mqtt://127.0.0.1:{port}")
    commit(outbox, 3)
    client.notice()
    time.sleep(2.5)
    told = [record.message for record in caplog.records if "not reachable" in record.message]
    reason = f"the broker mqtt://127.0.0.1:{port} is not reachable (Connection refused)"
    assert told == [f"{reason}; captions are kept in {tmp_path} and sent later"]
    assert client.failure is None
    assert outbox.depth == 3


def test_a_name_that_does_not_resolve_is_an_absent_broker(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    client = start("mqtt://no-such-host.invalid")
    wait_for(lambda: "not reachable" in caplog.text)
    assert client.failure is None


def test_the_broker_restarts_again_and_again_and_every_id_arrives(
    mosquitto: Mosquitto, listener: Listener, outbox: Outbox, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_file, "LASTING_S", 0.1)
    client = start(mosquitto.url)
    chance = random.Random(3)
    for restarts in range(4):
        wait_for(lambda count=restarts: client.connections > count)  # type: ignore[misc]
        for _ in range(60):
            commit(outbox)
            client.notice()
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.3))
        # SIGTERM: Mosquitto writes its sessions down, so that what it acknowledged is its own to deliver.
        mosquitto.stop()
        commit(outbox, 5)
        mosquitto.start()
    wait_for(lambda: outbox.depth == 0)
    wait_for(lambda: listener.sequences() == set(range(1, 261)))
    assert client.connections >= 5


def test_nothing_that_a_killed_broker_had_not_acknowledged_is_lost(
    mosquitto: Mosquitto, outbox: Outbox, start: Start
) -> None:
    client = start(mosquitto.url)
    wait_for(lambda: client.connections)
    commit(outbox, 40)
    client.notice()
    mosquitto.stop(signal.SIGKILL)
    taken = client.acknowledged
    time.sleep(0.1)
    assert outbox.depth >= 40 - client.acknowledged
    assert client.acknowledged >= taken
    mosquitto.start()
    later = Listener(mosquitto.port)
    commit(outbox, 1)
    client.notice()
    wait_for(lambda: outbox.depth == 0)
    wait_for(lambda: 41 in later.sequences())
    assert set(range(delivery.WINDOW + taken + 1, 42)) <= later.sequences()
    later.close()


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker with a login, where the user `caption` may not publish events."""
    passwords = tmp_path / "passwords"
    for flags, user in (("-c", "caption"), ("", "reader")):
        command = ["mosquitto_passwd", *flags.split(), "-b", str(passwords), user, "hush&secret"]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except FileNotFoundError:
            pytest.skip("mosquitto_passwd is not installed (Debian: apt-get install mosquitto)")
    rules = tmp_path / "rules"
    rules.write_text("user caption\ntopic write edge_caption/+/status\nuser reader\ntopic read #\n")
    for file in (passwords, rules):
        file.chmod(0o644)
    yield from running(tmp_path, "allow_anonymous false", f"password_file {passwords}", f"acl_file {rules}")


def with_login(broker: Mosquitto, user: str = "caption", password: str = "hush%26secret") -> str:
    return broker.url.replace("mqtt://", f"mqtt://{user}:{password}@")


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_refused_login_is_a_failure_not_a_connection(
    guarded: Mosquitto, start: Start, protocol: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = start(with_login(guarded, password="wronghush"), protocol=protocol)
    failure = wait_for(lambda: client.failure)
    assert "refused the login" in str(failure)
    assert "check the user name and password" in str(failure)
    assert "hush" not in str(failure) + caplog.text
    assert client.connections == 0


def test_a_login_that_works_leaves_no_password_in_the_log(
    guarded: Mosquitto, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = start(with_login(guarded))
    wait_for(lambda: client.connections)
    assert "hush" not in caplog.text


def test_a_password_that_changes_while_it_runs_is_taken_from_its_file(
    guarded: Mosquitto, start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    file, url = tmp_path / "own", guarded.url.replace("mqtt://", "mqtt://caption@")
    file.write_text("hush&secret\n")
    settings = MqttSettings(broker=Address.parse(url), password_file=file)
    client, ended = start(url, password_file=file), threading.Event()
    with closing(SelectableEvent()) as attention:
        watcher = Watcher(Fleet("edge_caption"), lambda _: None)
        line = threading.Thread(target=Line(settings, "watch", attention).keep, args=(watcher, ended.is_set))
        line.start()
        try:
            wait_for(lambda: caplog.text.count("connected to the broker") == 2)
            guarded.stop()
            subprocess.run(["mosquitto_passwd", "-b", tmp_path / "passwords", "caption", "newhush"], check=True)
            guarded.start()
            wait_for(lambda: caplog.text.count("refused the login") == 2)
            file.write_text("newhush")
            wait_for(lambda: client.connections == 2, 40)
            wait_for(lambda: caplog.text.count("connected to the broker") == 4, 40)
        finally:
            ended.set()
            line.join(10)
    assert "hush" not in caplog.text


def test_what_the_access_list_denies_is_parked_and_named_once(
    guarded: Mosquitto, outbox: Outbox, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    commit(outbox, 20)
    client = start(with_login(guarded))
    wait_for(lambda: outbox.rejected == 20)
    assert outbox.depth == 20
    told = [record.message for record in caplog.records if "rejects" in record.message]
    reason = "the broker rejects edge_caption/pi/cam/porch/event (Not authorized); let this client's user write to it"
    assert told == [f"{reason}; what it rejects is kept and tried again later"]
    assert client.failure is None


def test_a_broker_that_closes_the_connection_at_each_denial_does_not_hold_up_the_rest(
    guarded: Mosquitto, outbox: Outbox, start: Start, tmp_path: Path
) -> None:
    guarded.stop()
    # With this Mosquitto 2.0.11 does so.
    with (tmp_path / "mosquitto" / "mosquitto.conf").open("a") as settings:
        settings.write("max_queued_messages 0\n")
    guarded.start()
    commit(outbox, 20)
    outbox.commit("status", lambda _: b"allowed")
    start(with_login(guarded))
    wait_for(lambda: outbox.rejected == outbox.depth == 20)


def test_what_was_denied_arrives_once_the_access_list_allows_it(
    guarded: Mosquitto, tmp_path: Path, outbox: Outbox, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_file, "LASTING_S", 0.1)
    commit(outbox, 20)
    start(with_login(guarded))
    wait_for(lambda: outbox.rejected == 20)
    guarded.stop()
    with (tmp_path / "rules").open("a") as rules:
        rules.write("user caption\ntopic write edge_caption/#\n")
    guarded.start()
    reader = Listener(guarded.port, username="reader", password="hush&secret")
    wait_for(lambda: reader.sequences() == set(range(1, 21)))
    reader.close()


def test_two_clients_with_one_name_are_named(
    mosquitto: Mosquitto, start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = start(mosquitto.url)
    wait_for(lambda: first.connections)
    other = Outbox(tmp_path / "other.db")
    second = start(mosquitto.url, other)
    wait_for(lambda: "another client called edge_caption-pi" in caplog.text, 30)
    assert "give each its own --node" in caplog.text
    connections = first.connections + second.connections
    time.sleep(3)
    # They don't go on throwing each other out.
    assert first.connections + second.connections <= connections + 1
    second.stop(0)
    other.close()


def test_a_brokers_small_window_is_kept(run_broker: RunBroker, outbox: Outbox, start: Start) -> None:
    commit(outbox, 100)
    start(run_broker("allow_anonymous true", "max_inflight_messages 3").url)
    wait_for(lambda: outbox.depth == 0)


def test_a_connection_without_acknowledgements_is_given_up(
    mosquitto: Mosquitto,
    listener: Listener,
    outbox: Outbox,
    start: Start,
    silent: Callable[[int | None], Silent],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delivery, "ANSWER_TIMEOUT_S", 0.5)
    between = silent(mosquitto.port)
    client = start(f"mqtt://127.0.0.1:{between.port}")
    commit(outbox)
    client.notice()
    wait_for(lambda: client.acknowledged == 1)
    between.silent.set()
    commit(outbox, 5)
    client.notice()
    wait_for(lambda: listener.sequences() == {1, 2, 3, 4, 5, 6})
    assert outbox.depth == 5
    between.silent.clear()
    wait_for(lambda: outbox.depth == 0)
    assert client.connections == 2


def test_a_server_that_never_answers_does_not_hold_up_the_stop(
    start: Start, silent: Callable[[int | None], Silent]
) -> None:
    client = start(f"mqtt://127.0.0.1:{silent(None).port}")
    time.sleep(0.3)
    began = time.monotonic()
    client.stop(0.5)
    assert time.monotonic() - began < 2


def test_at_most_sixteen_captions_are_on_their_way_at_once(
    mosquitto: Mosquitto, listener: Listener, outbox: Outbox, start: Start, silent: Callable[[int | None], Silent]
) -> None:
    between = silent(mosquitto.port)
    client = start(f"mqtt://127.0.0.1:{between.port}")
    commit(outbox)
    client.notice()
    wait_for(lambda: client.acknowledged == 1)
    between.silent.set()
    commit(outbox, 100)
    client.notice()
    wait_for(lambda: len(listener.sequences()) > 16)
    time.sleep(0.3)
    assert listener.sequences() == set(range(1, 18))


def test_reconnects_are_counted_from_the_second_connection_on(mosquitto: Mosquitto, start: Start) -> None:
    client = start(mosquitto.url)
    assert client.reconnects == 0
    for connections in (1, 2, 3):
        wait_for(lambda wanted=connections: client.connections == wanted)  # type: ignore[misc]
        assert client.reconnects == connections - 1
        mosquitto.stop()
        mosquitto.start()
