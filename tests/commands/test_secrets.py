"""No password or login reaches a log, a topic, the list of processes or a file. The access list of the docs works."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_caption.commands.cli import main
from tests.brokers import Listener, Mosquitto, running, wait_for
from tests.cameras.servers import MjpegCamera
from tests.conftest import ROOT
from tests.node.update.conftest import TINY, Make, make, public

__all__ = ["make", "public"]

SECRET = "hush4711"
USERS = ("porch-pi", "garden-pi", "homeassistant", "dashboard", "worker", "annotator", "fleet")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker with the access list of the docs."""
    passwords, rules = tmp_path / "passwords", tmp_path / "acl"
    if not shutil.which("mosquitto_passwd"):
        pytest.skip("mosquitto_passwd is not installed (Debian: apt-get install mosquitto)")
    passwords.touch()
    for user in USERS:
        subprocess.run(["mosquitto_passwd", "-b", passwords, user, SECRET], check=True, capture_output=True)
    rules.write_text((ROOT / "docs" / "mosquitto.acl").read_text("utf-8"))
    for file in (passwords, rules):
        file.chmod(0o644)
    yield from running(tmp_path, "allow_anonymous false", f"password_file {passwords}", f"acl_file {rules}")


@pytest.fixture
def owner(broker: Mosquitto) -> Iterator[Listener]:
    heard = Listener(broker.port, "#", "homeassistant", SECRET)
    yield heard
    heard.close()


def url(broker: Mosquitto, user: str) -> str:
    return broker.url.replace("mqtt://", f"mqtt://{user}@")


@pytest.mark.parametrize("where", ["file", "environment", "systemd"])
def test_no_secret_gets_out(broker: Mosquitto, owner: Listener, tmp_path: Path, tiny_bundle: Path, where: str) -> None:
    camera = MjpegCamera()
    (tmp_path / "mqtt-password").write_text(SECRET)
    source = camera.url.replace("http://", f"http://me:{SECRET}@")
    settings = f"[mqtt]\ncommands = true\nhealth_s = 0.5\n[camera]\nsource = '{source}'\n"
    (tmp_path / "settings.toml").write_text(settings)
    own = ["--config", tmp_path / "settings.toml", "--state-dir", tmp_path / "state", "--bundle", tiny_bundle]
    own += ["--node", "porch-pi", "--home-assistant", "--broker", url(broker, "porch-pi"), "--fps", "10"]
    environment = {**os.environ}
    match where:
        case "file":
            own += ["--password-file", tmp_path / "mqtt-password"]
        case "environment":
            environment["EDGE_CAPTION_MQTT_PASSWORD"] = SECRET
        case "systemd":
            environment["CREDENTIALS_DIRECTORY"] = str(tmp_path)
    command = [sys.executable, "-m", "edge_caption", "run", *map(str, own)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            wait_for(lambda: len(owner.payloads("/event")) > 3)
            requests = "edge_caption/porch-pi/bridge/request"
            owner.publish(f"{requests}/settings", b'{"log_level": "debug"}')
            owner.publish(f"{requests}/settings", b'{"password": 1}')
            owner.publish(f"{requests}/status", b"")
            wait_for(lambda: len(owner.payloads("/response/settings")) == 2)
            wait_for(lambda: owner.payloads("/response/status"))
            listed = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        finally:
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=30)
            camera.close()
    assert process.returncode == 0
    told = b"".join(message.topic.encode() + bytes(message.payload) for message in owner.messages)
    assert b"edge_caption/porch-pi/info" in told
    assert b"homeassistant/device/" in told
    kept = b"".join(file.read_bytes() for file in (tmp_path / "state").rglob("*") if file.is_file())
    for text in (out, err, told, listed, kept):
        assert SECRET.encode() not in text
    # Who may log in is nobody's business either.
    assert b"me:" not in err + told


def test_the_access_list_of_the_docs_lets_a_device_do_all_that_it_needs(
    broker: Mosquitto, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "password").write_text(SECRET)
    settings = "[mqtt]\ncommands = true\nsnapshots = true\n[update]\npublic_key = 'x'\n"
    (tmp_path / "settings.toml").write_text(settings)
    own = ["--config", tmp_path / "settings.toml", "--state-dir", tmp_path, "--password-file", tmp_path / "password"]
    for node, code in (("garden-pi", 0), ("porch-pi", 1)):
        arguments = [*own, "--broker", url(broker, "garden-pi"), "--node", node]
        assert main(["doctor", "mqtt", *map(str, arguments)]) == code
        # One device can't write another's topics.
        assert ("PROBLEM" in capsys.readouterr().out) == bool(code)


def test_the_access_list_of_the_docs_lets_the_fleets_owner_update_and_nobody_else(
    broker: Mosquitto, owner: Listener, tmp_path: Path, make: Make, public: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "password").write_text(SECRET)
    settings = f"[camera]\nloop = true\n[mqtt]\ncommands = true\n[update]\npublic_key = '{public}'\n"
    (tmp_path / "settings.toml").write_text(settings)
    login = ["--password-file", tmp_path / "password", "--broker"]
    node = ["run", "--config", tmp_path / "settings.toml", "--state-dir", tmp_path / "state", "--bundle", TINY]
    node += ["--node", "porch-pi", "--fps", 20, "--source", ROOT / "tests" / "data" / "photos"]
    command = [sys.executable, "-m", "edge_caption", *map(str, [*node, *login, url(broker, "porch-pi")])]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            wait_for(lambda: owner.payloads("porch-pi/update"))
            update = ["update", make("2"), "--node", "porch-pi", "--patience", 20, *login]
            assert main([*map(str, update), url(broker, "fleet")]) == 0
            assert "porch-pi runs it: tiny 2" in capsys.readouterr().out
            assert main([*map(str, update), url(broker, "dashboard")]) == 1
            assert "the broker does not let this user update nodes" in capsys.readouterr().err
        finally:
            process.terminate()


def test_the_access_list_of_the_docs_lets_only_home_assistant_give_commands(broker: Mosquitto, owner: Listener) -> None:
    topic = "edge_caption/garden-pi/cam/porch/trigger"
    device = Listener(broker.port, "edge_caption/garden-pi/cam/+/trigger", "garden-pi", SECRET)
    watcher = Listener(broker.port, "edge_caption/#", "dashboard", SECRET)
    watcher.publish(topic, b"denied")
    owner.publish(topic, b"allowed")
    wait_for(lambda: device.payloads("/trigger"))
    time.sleep(0.2)
    assert device.payloads("/trigger") == [b"allowed"]
    for each in (device, watcher):
        each.close()


def test_the_access_list_of_the_docs_lets_workers_answer_and_nobody_else_see_photos(
    broker: Mosquitto, owner: Listener, tmp_path: Path, tiny_bundle: Path
) -> None:
    (tmp_path / "password").write_text(SECRET)
    login = ["--password-file", tmp_path / "password", "--broker"]
    worker = ["worker", *login, url(broker, "worker"), "--bundle", tiny_bundle, "--name", "one"]
    dashboard = Listener(broker.port, "edge_caption/#", "dashboard", SECRET)
    with subprocess.Popen([sys.executable, "-m", "edge_caption", *map(str, worker)]) as running_worker:
        try:
            wait_for(lambda: "Sending SUBACK to one" in broker.log())
            out = tmp_path / "captions.jsonl"
            annotate = ["annotate", ROOT / "edge_caption" / "demo" / "photos", "-o", out, *login]
            assert main([*map(str, annotate), url(broker, "annotator")]) == 0
            assert out.read_text().count("caption") == 2
            assert main([*map(str, annotate), url(broker, "garden-pi")]) == 0  # all have captions already
            refused = ["annotate", ROOT / "tests" / "data" / "photos", "-o", out, *login, url(broker, "garden-pi")]
            command = [sys.executable, "-m", "edge_caption", *map(str, refused)]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 1
            assert "the broker does not let photos go to workers (Not authorized)" in done.stderr
        finally:
            running_worker.terminate()
    topics = {message.topic for message in [*owner.messages, *dashboard.messages]}
    assert topics
    assert "edge_caption/work" not in topics
    dashboard.close()
