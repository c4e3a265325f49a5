"""What the connection to the broker can be told."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from edge_caption.bounds import Positive
from edge_caption.errors import ConfigError
from edge_caption.mqtt.address import Address
from edge_caption.text import read_text

PASSWORD_VARIABLE = "EDGE_CAPTION_MQTT_PASSWORD"

CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"
CREDENTIAL = "mqtt-password"
"""What `LoadCredential=` in a systemd unit calls the password: https://systemd.io/CREDENTIALS/"""

Protocol = Literal["5", "3.1.1"]

WORK_TOPIC = "edge_caption/work"


class MqttSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[mqtt]."""

    broker: Address = msgspec.field(default_factory=lambda: Address("localhost", 1883))
    """As mqtt://USER@HOST:PORT, mqtts://HOST or embedded; mqtt://localhost if not given."""
    protocol: Protocol | None = None
    """None: 5, or 3.1.1 with the embedded broker, which speaks nothing else."""
    password_file: Path | None = None
    """Holds the broker's password and nothing else."""
    ca_file: Path | None = None
    """Certificates to trust with mqtts://; None: the system's."""
    cert_file: Path | None = None
    """This client's certificate, for a broker that wants one."""
    key_file: Path | None = None
    """Its key; None: in the same file."""
    health_s: Positive = 30.0
    """Between two health records."""
    commands: bool = False
    """Whether commands that come over MQTT are carried out."""
    snapshots: bool = False
    """Whether the picture of each caption is published, too."""

    @property
    def version(self) -> Protocol:
        """Of MQTT, that is spoken."""
        return self.protocol or ("3.1.1" if self.broker.embedded else "5")


class WorkersSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[workers]."""

    send_frames: bool = False
    """**Pictures leave this device**: its frames go over the broker to `edge-caption worker`s, which caption them."""
    topic: str = WORK_TOPIC
    """Where workers take photos."""


class HomeAssistantSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[home_assistant]."""

    enabled: bool = False
    """Whether Home Assistant finds the node by itself."""
    prefix: str = "homeassistant"
    """Its discovery prefix."""


def checked(mqtt: MqttSettings, environment: Mapping[str, str] = os.environ) -> MqttSettings:
    """Return the settings with the password in them, after checking what their types can't say.

    Args:
        mqtt: as they were given.
        environment: where the broker's password may be.

    Raises:
        ConfigError: two settings don't fit together, or a file can't be read.
    """
    if mqtt.broker.embedded and mqtt.protocol == "5":
        raise ConfigError("the embedded broker speaks MQTT 3.1.1 only; leave --protocol out or use another broker")
    _check_certificates(mqtt)
    return _with_password(mqtt, environment)


def renewed(mqtt: MqttSettings, environment: Mapping[str, str] = os.environ) -> MqttSettings:
    """Return the settings with the password that its file or systemd has now: it may change while the program runs."""
    try:
        return _with_password(mqtt, environment)
    except ConfigError:
        return mqtt  # the file is being replaced; the last password does until it is there


def check_for_workers(mqtt: MqttSettings) -> None:
    """See that the broker may have what workers need.

    Raises:
        ConfigError: it is spoken to with MQTT 3.1.1.
    """
    if mqtt.version != "5":
        raise ConfigError("workers need MQTT 5 (shared subscriptions); use a broker that speaks it, as Mosquitto does")


def _check_certificates(mqtt: MqttSettings) -> None:
    given = [name for name in ("ca_file", "cert_file", "key_file") if getattr(mqtt, name)]
    if given and not mqtt.broker.tls:
        raise ConfigError(f"mqtt.{given[0]} is for mqtts:// only; write the broker so")
    if mqtt.key_file and not mqtt.cert_file:
        raise ConfigError("mqtt.key_file needs the certificate, too; give mqtt.cert_file")
    if given:
        from edge_caption.mqtt.tls import context  # only where it is needed: ssl takes 3 MB

        context(mqtt.ca_file, mqtt.cert_file, mqtt.key_file)


def _with_password(mqtt: MqttSettings, environment: Mapping[str, str]) -> MqttSettings:
    """Put the password in: the file's before systemd's, the environment's and the address's."""
    password = environment.get(PASSWORD_VARIABLE)
    credential = Path(environment.get(CREDENTIALS_VARIABLE, "/nowhere"), CREDENTIAL)
    if file := mqtt.password_file or (credential if credential.exists() else None):
        password = _read_password(file)
    if not password or mqtt.broker.embedded:
        return mqtt
    return msgspec.structs.replace(mqtt, broker=mqtt.broker.with_password(password))


def _read_password(path: Path) -> str:
    try:
        password = read_text(path).rstrip("\n")
    except OSError as error:
        raise ConfigError(f"the password file {path} cannot be read: {error.strerror}") from None
    except UnicodeError as error:
        raise ConfigError(f"the password file {path} {error}") from None
    if not password:
        raise ConfigError(f"the password file {path} is empty")
    return password
