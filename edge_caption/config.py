"""Settings: what they are, their defaults, and how they are read."""

from __future__ import annotations

import difflib
import os
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args, get_type_hints

import msgspec

from edge_caption.cameras.source import Source
from edge_caption.errors import ConfigError
from edge_caption.files import own_folder
from edge_caption.mqtt.address import Address
from edge_caption.mqtt.topics import check_name
from edge_caption.text import read_text

PASSWORD_VARIABLE = "EDGE_CAPTION_MQTT_PASSWORD"

Positive = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Protocol = Literal["5", "3.1.1"]

PLAIN = {
    "str": "text in quotes",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "a table",
    "array": "a list",
}
"""msgspec's names of types, for people who write TOML."""


def default_state_dir() -> Path:
    """Return where state is kept when nothing else is said."""
    return own_folder("XDG_STATE_HOME", ".local/state", "--state-dir")


class CameraSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[camera]."""

    source: Source | None = None
    name: str = "camera"
    fps: Positive = 1.0
    """Captions a second at most."""
    loop: bool = False
    """Start files over when they end."""
    tls_insecure: bool = False
    """Take any certificate of an https:// camera, such as one that it signed itself."""
    open_timeout_s: Positive = 10.0
    no_frame_s: Positive = 10.0
    """A camera that gives no frame for so long is opened again."""
    same_frame_s: Annotated[float, msgspec.Meta(ge=0)] = 120.0
    """A camera that gives the same frame for so long is opened again; 0 never."""


class MqttSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[mqtt]."""

    broker: Address = Address("localhost", 1883)
    protocol: Protocol | None = None
    """None: 5, or 3.1.1 with the embedded broker, which speaks nothing else."""
    password_file: Path | None = None
    ca_file: Path | None = None
    """Certificates to trust with mqtts://; None: the system's."""
    health_s: Positive = 30.0


class ModelSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[model]."""

    bundle: Path | None = None
    flavour: str | None = None
    backend: str | None = None
    beam: Count | None = None
    threads: Count | None = None
    language: str | None = None


class GateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[gate]."""

    min_confidence: Share = 0.0
    """A caption of less confidence is not published; 0 publishes all."""


class OutboxSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[outbox]."""

    max_messages: Count = 100_000
    max_bytes: Count = 256 * 1024 * 1024


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that `run` can be told."""

    node: str | None = None
    """None: the name kept in the state directory, at first the computer's."""
    prefix: str = "edge_caption"
    state_dir: Path = msgspec.field(default_factory=default_state_dir)
    camera: CameraSettings = CameraSettings()
    mqtt: MqttSettings = MqttSettings()
    model: ModelSettings = ModelSettings()
    gate: GateSettings = GateSettings()
    outbox: OutboxSettings = OutboxSettings()


def load(path: Path | None, options: Mapping[str, object], environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings' file, then let the options override it.

    Args:
        path: a TOML file, or None for the defaults alone.
        options: keys as in the file (`{"camera": {"fps": 2}}`); None means not given.
        environment: where the broker's password may be.

    Raises:
        ConfigError: a file cannot be read, or a setting is unknown, of a wrong type or out of range.
    """
    values = _merge(_read(path) if path else {}, options)
    try:
        settings = msgspec.convert(values, Settings, dec_hook=_convert)
    except msgspec.ValidationError as error:
        raise ConfigError(_explain(str(error), path)) from None
    for name, what in (
        (settings.node, "node"),
        (settings.prefix, "prefix"),
        (settings.camera.name, "camera.name"),
    ):
        if name is not None:
            check_name(name, what)
    if settings.mqtt.broker.embedded and settings.mqtt.protocol == "5":
        raise ConfigError("the embedded broker speaks MQTT 3.1.1 only; leave --protocol out or use another broker")
    _check_certificates(settings.mqtt)
    return _with_password(settings, environment)


def _read(path: Path) -> dict[str, object]:
    try:
        return msgspec.toml.decode(read_text(path), type=dict[str, object])
    except OSError as error:
        raise ConfigError(f"the settings cannot be read: {path}: {error.strerror}") from None
    except UnicodeError as error:
        raise ConfigError(f"the settings file {path} {error}") from None
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}") from None


def _merge(below: Mapping[str, object], above: Mapping[str, object]) -> dict[str, object]:
    merged = dict(below)
    for key, value in above.items():
        if isinstance(value, Mapping):
            under = merged.get(key, {})
            # Something that is no table stays, for msgspec to name it.
            merged[key] = _merge(under, value) if isinstance(under, Mapping) else under
        elif value is not None:
            merged[key] = value
    return merged


def _convert(wanted: type, value: object) -> object:
    if isinstance(value, wanted):
        return value
    if wanted is Source and type(value) is int:
        return Source(str(value))
    if not isinstance(value, str):
        raise ValueError(f"Expected `str`, got `{type(value).__name__}`")
    try:
        if wanted is Path:
            return Path(value).expanduser()
        return Source(value) if wanted is Source else Address.parse(value)
    except (ConfigError, RuntimeError) as error:
        raise ValueError(str(error)) from None


def _explain(message: str, path: Path | None) -> str:
    """Turn msgspec's message into a sentence that begins with the setting's name."""
    what, _, where = message.partition(" - at `$")
    section = where.strip("`.")
    file = f"{path}: " if path else ""
    if unknown := re.search(r"unknown field `(.*)`", what):
        name = unknown[1]
        near = difflib.get_close_matches(name, _names(section), n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(_names(section))}"
        return f"{file}unknown setting {section + '.' if section else ''}{name}; {hint}"
    if what.startswith("Invalid enum value"):  # there is one setting with a choice
        what = what.replace("enum ", "", 1) + f"; choose one of: {', '.join(get_args(Protocol))}"
    elif what.startswith("Expected `object`"):
        what += f"; begin it with [{section}]"
    what = re.sub(r"`(\w+)(?: \| null)?`", lambda kind: PLAIN.get(kind[1], kind[0]), what)
    return f"{file}{section}: {what[:1].lower()}{what[1:]}"


def _names(section: str) -> tuple[str, ...]:
    kind = get_type_hints(Settings).get(section, Settings)
    return tuple(kind.__struct_fields__)


def _check_certificates(mqtt: MqttSettings) -> None:
    if mqtt.ca_file is None:
        return
    if not mqtt.broker.tls:
        raise ConfigError("certificates to trust (mqtt.ca_file) are for mqtts:// only; write the broker so")
    try:
        ssl.create_default_context(cafile=mqtt.ca_file)
    except OSError as error:
        reason = "it holds none in PEM form" if isinstance(error, ssl.SSLError) else error.strerror
        raise ConfigError(f"the certificates to trust cannot be read: {mqtt.ca_file}: {reason}") from None


def _with_password(settings: Settings, environment: Mapping[str, str]) -> Settings:
    """Put the password in: the file's before the environment's before the address's."""
    mqtt = settings.mqtt
    password = environment.get(PASSWORD_VARIABLE)
    if mqtt.password_file:
        password = _read_password(mqtt.password_file)
    if not password or mqtt.broker.embedded:
        return settings
    mqtt = msgspec.structs.replace(mqtt, broker=mqtt.broker.with_password(password))
    return msgspec.structs.replace(settings, mqtt=mqtt)


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
