"""`edge-caption doctor mqtt` against brokers with one thing wrong each."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_caption.commands.cli import main
from edge_caption.mqtt.broker import free_port
from tests.brokers import Mosquitto, mosquitto, retained, wait_for
from tests.mqtt.conftest import RunBroker, Start, certificate, outbox, run_broker, start

__all__ = ["certificate", "mosquitto", "outbox", "run_broker", "start"]

Examine = Callable[..., tuple[int, str]]


@pytest.fixture
def examine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Examine:
    def examine(broker: str, *arguments: object, settings: str = "") -> tuple[int, str]:
        (tmp_path / "settings.toml").write_text(settings)
        own = ["--config", tmp_path / "settings.toml", "--state-dir", tmp_path, "--node", "pi", "--camera", "porch"]
        code = main(["doctor", "mqtt", "--broker", broker, *map(str, [*own, *arguments])])
        return code, capsys.readouterr().out

    return examine


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_broker_that_takes_everything_has_no_problem_and_keeps_nothing(
    mosquitto: Mosquitto, examine: Examine, protocol: str
) -> None:
    code, said = examine(mosquitto.url, "--protocol", protocol, settings="[mqtt]\ncommands = true\nsnapshots = true\n")
    assert code == 0
    assert "PROBLEM" not in said
    for line in ("port       port", "login      mqtt://", "publish    edge_caption/pi/cam/porch/event\n"):
        assert f"ok       {line}" in said
    assert "ok       commands   a command comes through" in said
    assert ("ok       QoS        messages are acknowledged" in said) == (protocol == "5")
    assert retained(mosquitto.port) == {}


def test_what_the_access_list_denies_is_named_topic_by_topic(
    run_broker: RunBroker, tmp_path: Path, examine: Examine
) -> None:
    rules = tmp_path / "rules"
    rules.write_text("topic write edge_caption/pi/cam/#\ntopic write edge_caption/pi/bridge/#\n")
    rules.chmod(0o644)
    broker = run_broker("allow_anonymous true", f"acl_file {rules}")
    code, said = examine(broker.url, settings="[mqtt]\ncommands = true\n")
    assert code == 1
    assert "ok       publish    edge_caption/pi/cam/porch/event\n" in said
    assert "PROBLEM  publish    edge_caption/pi/status: Not authorized\n" in said
    # Mosquitto takes the subscription and holds the messages back.
    assert "PROBLEM  commands   a message to edge_caption/pi/bridge/request/doctor did not come back" in said
    assert said.count("-> let this client's user publish there") == 3


def test_the_right_to_what_home_assistant_and_alerts_need_is_examined(
    run_broker: RunBroker, tmp_path: Path, examine: Examine
) -> None:
    rules = tmp_path / "rules"
    rules.write_text("topic readwrite edge_caption/pi/status\ntopic write homeassistant/device/+/config\n")
    rules.chmod(0o644)
    broker = run_broker("allow_anonymous true", f"acl_file {rules}")
    alerts = "".join(f"[[alerts]]\nname = '{name}'\nwords = 'dog'\n" for name in ("visitor", "guest"))
    _, said = examine(broker.url, settings=f"{alerts}cameras = ['porch']\n[home_assistant]\nenabled = true\n")
    assert "ok       publish    homeassistant/device/edge_caption_doctor/config\n" in said
    assert "ok       subscribe  homeassistant/status\n" in said
    for name in ("visitor", "guest"):
        assert f"PROBLEM  publish    edge_caption/pi/cam/porch/alert/{name}: Not authorized\n" in said


def test_whether_updates_come_through_is_examined_where_the_node_takes_them(
    run_broker: RunBroker, tmp_path: Path, examine: Examine
) -> None:
    rules = tmp_path / "rules"
    rules.write_text("topic read edge_caption/pi/bridge/#\ntopic write edge_caption/#\n")
    rules.chmod(0o644)
    broker = run_broker("allow_anonymous true", f"acl_file {rules}")
    updates = "[update]\npublic_key = 'x'\n"
    code, said = examine(broker.url, settings="[mqtt]\ncommands = true\n" + updates)
    assert code == 1
    assert "ok       publish    edge_caption/pi/update\n" in said
    assert "PROBLEM  updates    a message to edge_caption/pi/update/doctor/0 did not come back" in said
    rules.write_text("topic readwrite edge_caption/#\n")
    broker.stop()
    broker.start()
    code, said = examine(broker.url, settings="[mqtt]\ncommands = true\n" + updates)
    assert (code, "ok       updates    a piece of an update comes through" in said) == (0, True)
    code, said = examine(broker.url, settings=updates)
    assert "PROBLEM  updates    updates come as commands, which are off" in said


def test_what_the_broker_lacks_is_named(run_broker: RunBroker, examine: Examine) -> None:
    broker = run_broker("allow_anonymous true", "retain_available false", "max_qos 0", "max_packet_size 3000")
    code, said = examine(broker.url)
    assert code == 1
    for about, fix in (("retain", "retain_available true"), ("QoS", "max_qos 1"), ("size", "max_packet_size")):
        assert f"PROBLEM  {about:<9}" in said
        assert fix in said


def test_a_refused_login_is_named_and_no_password_is_shown(
    run_broker: RunBroker, tmp_path: Path, examine: Examine
) -> None:
    passwords = tmp_path / "passwords"
    try:
        subprocess.run(["mosquitto_passwd", "-c", "-b", str(passwords), "me", "hush"], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("mosquitto_passwd is not installed (Debian: apt-get install mosquitto)")
    passwords.chmod(0o644)
    broker = run_broker("allow_anonymous false", f"password_file {passwords}")
    wrong, right = tmp_path / "wrong", tmp_path / "right"
    wrong.write_text("wronghush")
    right.write_text("hush")
    url = broker.url.replace("mqtt://", "mqtt://me@")
    code, said = examine(url, "--password-file", wrong)
    assert code == 1
    assert "PROBLEM  login" in said
    assert "-> check the user name and password" in said
    assert "hush" not in said
    code, said = examine(url, "--password-file", right)
    assert code == 0
    assert "hush" not in said


def test_a_broker_that_is_not_there_is_named(examine: Examine) -> None:
    code, said = examine(f"mqtt://127.0.0.1:{free_port()}")
    assert code == 1
    assert "PROBLEM  port       nothing listens" in said
    assert "start the broker" in said
    code, said = examine("mqtt://no-such-host.invalid")
    assert code == 1
    assert "PROBLEM  name       no-such-host.invalid is not known" in said


def test_a_certificate_that_is_not_trusted_is_named(
    run_broker: RunBroker, certificate: tuple[Path, Path], examine: Examine
) -> None:
    pem, key = certificate
    broker = run_broker("allow_anonymous true", f"keyfile {key}", f"certfile {pem}")
    url = broker.url.replace("mqtt://", "mqtts://")
    code, said = examine(url)
    assert code == 1
    assert "PROBLEM  TLS        its certificate is signed by itself" in said
    code, said = examine(url, "--ca-file", pem)
    assert code == 0
    # It is good for one day.
    assert "warning  TLS        TLSv1.3; its certificate expires on" in said


def test_a_program_of_the_same_name_is_seen_and_left_alone(
    mosquitto: Mosquitto, start: Start, examine: Examine
) -> None:
    node = start(mosquitto.url)
    wait_for(lambda: retained(mosquitto.port))
    code, said = examine(mosquitto.url)
    assert code == 0
    assert "warning  namesake   a program called pi is connected now" in said
    assert node.connections == 1
