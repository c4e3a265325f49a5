from __future__ import annotations

import ssl
import subprocess
import threading
from contextlib import closing
from pathlib import Path

import pytest

from edge_caption.config import load
from edge_caption.errors import ConfigError
from edge_caption.mqtt.address import Address
from edge_caption.mqtt.line import Line
from edge_caption.mqtt.selectable_event import SelectableEvent
from edge_caption.mqtt.settings import PASSWORD_VARIABLE, MqttSettings
from edge_caption.mqtt.tls import context
from edge_caption.mqtt.watching.fleet import Fleet
from edge_caption.mqtt.watching.watcher import Watcher
from edge_caption.outbox import Outbox
from tests.brokers import Mosquitto, wait_for
from tests.mqtt.conftest import RunBroker, Start, commit, sign

# paho 2.2 leaves the socket of a handshake that failed to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

ANYBODY = "allow_anonymous true"
Certificate = tuple[Path, Path]


def over_tls(broker: Mosquitto, host: str = "127.0.0.1") -> str:
    return f"mqtts://{host}:{broker.port}"


def serve(certificate: Certificate) -> tuple[str, ...]:
    pem, key = certificate
    return (ANYBODY, f"keyfile {key}", f"certfile {pem}")


def test_a_certificate_that_nobody_signed_is_named_and_taken_when_it_is_trusted(
    run_broker: RunBroker, certificate: Certificate, outbox: Outbox, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    commit(outbox, 40)
    broker = run_broker(*serve(certificate))
    start(over_tls(broker))
    wait_for(lambda: "not reachable" in caplog.text)
    assert "its certificate is signed by itself; give that certificate as ca_file below [mqtt]" in caplog.text
    assert outbox.depth == 40
    start(over_tls(broker), ca_file=certificate[0])
    wait_for(lambda: outbox.depth == 0)


def test_a_certificate_for_another_name_is_named(
    run_broker: RunBroker, certificate: Certificate, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    start(over_tls(run_broker(*serve(certificate)), "localhost"), ca_file=certificate[0])
    wait_for(lambda: "its certificate is for another name" in caplog.text)


def test_a_port_without_tls_is_named(mosquitto: Mosquitto, start: Start, caplog: pytest.LogCaptureFixture) -> None:
    start(over_tls(mosquitto))
    wait_for(lambda: "not reachable" in caplog.text)
    assert "8883" in caplog.text


def test_a_client_certificate_opens_a_broker_that_wants_one(
    run_broker: RunBroker,
    certificate: Certificate,
    tmp_path: Path,
    outbox: Outbox,
    start: Start,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ours = sign(tmp_path, "porch-pi")
    broker = run_broker(*serve(certificate), f"cafile {ours[0]}", "require_certificate true")
    commit(outbox, 3)
    start(over_tls(broker), ca_file=certificate[0])
    asked = "perhaps it wants a client certificate; give cert_file and key_file below [mqtt], or others, valid"
    wait_for(lambda: asked in caplog.text)
    assert outbox.depth == 3
    start(over_tls(broker), ca_file=certificate[0], cert_file=ours[0], key_file=ours[1])
    wait_for(lambda: outbox.depth == 0)


def test_certificates_that_are_being_replaced_end_no_line(
    run_broker: RunBroker,
    certificate: Certificate,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    broker, trusted = run_broker(*serve(certificate)), tmp_path / "trusted.pem"
    trusted.write_bytes(certificate[0].read_bytes())
    settings = MqttSettings(broker=Address.parse(over_tls(broker)), ca_file=trusted)
    refused: list[ConfigError] = []

    def noting(*files: Path | None) -> ssl.SSLContext:
        try:
            return context(*files)
        except ConfigError as error:
            refused.append(error)
            raise

    monkeypatch.setattr("edge_caption.mqtt.line.context", noting)
    ended = threading.Event()
    with closing(SelectableEvent()) as attention:
        watcher = Watcher(Fleet("edge_caption"), lambda _: None)
        thread = threading.Thread(target=Line(settings, "watch", attention).keep, args=(watcher, ended.is_set))
        thread.start()
        try:
            wait_for(lambda: "connected to the broker" in caplog.text)
            trusted.rename(tmp_path / "away")
            broker.stop()
            broker.start()
            wait_for(lambda: refused)
            (tmp_path / "away").rename(trusted)
            wait_for(lambda: caplog.text.count("connected to the broker") == 2)
        finally:
            ended.set()
            thread.join(10)


def test_wrong_files_are_named_at_the_start(tmp_path: Path, certificate: Certificate) -> None:
    pem, key = certificate
    other = sign(tmp_path, "other")
    locked = tmp_path / "locked.key"
    subprocess.run(f"openssl pkey -aes128 -passout pass:x -in {key} -out {locked}".split(), check=True)
    (tmp_path / "text").write_text("no certificate")
    wrong = {
        (pem, other[1]): "other.key is not the key of .*broker.pem",
        (pem, locked): "locked.key is encrypted; write it without a passphrase",
        (tmp_path / "text", key): "hold no certificate and key in PEM form",
        (tmp_path / "gone", key): "gone: No such file or directory",
        (None, key): "mqtt.key_file needs the certificate, too",
    }
    for (cert_file, key_file), said in wrong.items():
        with pytest.raises(ConfigError, match=said):
            load(None, {"mqtt": {"broker": "mqtts://x", "cert_file": cert_file, "key_file": key_file}}, {})


def test_the_password_is_taken_from_systemd(tmp_path: Path) -> None:
    (tmp_path / "mqtt-password").write_text("from systemd\n")
    environment = {"CREDENTIALS_DIRECTORY": str(tmp_path), PASSWORD_VARIABLE: "from the environment"}
    options = {"mqtt": {"broker": "mqtt://me@x"}}
    assert load(None, options, environment).mqtt.broker.password == "from systemd"
    (tmp_path / "mqtt-password").unlink()
    assert load(None, options, environment).mqtt.broker.password == "from the environment"
