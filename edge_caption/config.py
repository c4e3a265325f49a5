"""A TOML file and options -> `Settings`."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from edge_caption.bounds import ListenAddress
from edge_caption.cameras.source import Source
from edge_caption.errors import ConfigError
from edge_caption.mqtt.address import Address
from edge_caption.mqtt.settings import check_for_workers, checked
from edge_caption.mqtt.topics import check_name, check_topic
from edge_caption.node.alerts.alerts import Alerts
from edge_caption.node.alerts.settings import AlertSettings
from edge_caption.node.gates.schedule import Schedule
from edge_caption.node.gates.settings import GateSettings
from edge_caption.node.settings import NodeCameraSettings, Settings
from edge_caption.text import decode_toml, read_text

READERS: dict[type, Callable[[str], object]] = {
    Source: Source,
    Address: Address.parse,
    ListenAddress: ListenAddress.parse,
}
"""How a setting of a type of ours is read."""

HOME_ASSISTANT = "home_assistant.prefix"

PLAIN = {
    "str": "text in quotes",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "a table",
    "array": "a list",
}
"""msgspec's names of types, for people who write TOML."""


def load(path: Path | None, options: Mapping[str, object], environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings' file, then let the options override it.

    Args:
        path: a TOML file, or None for the defaults alone.
        options: keys as in the file (`{"camera": {"fps": 2}}`); None means not given.
        environment: where the broker's password may be.

    Raises:
        ConfigError: a file cannot be read, or a setting is unknown, of a wrong type or out of range.
    """
    given = _read(path) if path else {}
    values = _merge(_without_cameras(given), _without_cameras(options))
    try:
        cameras = _with_gates(_cameras(given, options), values.get("gate"), options.get("gate"))
        settings = msgspec.convert({**values, "cameras": cameras}, Settings, dec_hook=_convert)
    except msgspec.ValidationError as error:
        raise ConfigError(_explain(str(error), path, several="cameras" in given or "cameras" in options)) from None
    named = ((settings.node, "node"), (settings.prefix, "prefix"), (settings.home_assistant.prefix, HOME_ASSISTANT))
    for name, what in named:
        if name is not None:
            check_name(name, what)
    _check_cameras(settings.cameras)
    _check_alerts(settings)
    _check_workers(settings)
    return msgspec.structs.replace(settings, mqtt=checked(settings.mqtt, environment))


def _without_cameras(values: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in values.items() if key not in ("camera", "cameras")}


def _cameras(given: Mapping[str, object], options: Mapping[str, object]) -> object:
    """Return the tables of all cameras: the file's, with the options' on top.

    Raises:
        ConfigError: they don't go together.
    """
    if "camera" in given and "cameras" in given:
        raise ConfigError("the settings have [camera] and [[cameras]]; keep one of them")
    tables: Any = given["cameras"] if "cameras" in given else [given.get("camera", {})]
    if not isinstance(tables, list) or not all(isinstance(table, Mapping) for table in tables):
        return tables if "cameras" in given else [tables[0]]  # for msgspec to name it
    if named := options.get("cameras"):
        tables = _add_named(tables, named, several="cameras" in given)
    over: Any = options.get("camera", {})
    if len(tables) > 1 and (over.get("name") or over.get("source")):
        raise ConfigError("there are several cameras; name each one's source, as in --source porch=rtsp://…")
    return [_merge(table, over) for table in tables]


def _with_gates(cameras: object, gate: object, option: object) -> object:
    """Put the node's gates under each camera's own, and the options' on top."""
    if not isinstance(gate, Mapping) or not isinstance(cameras, list):
        return cameras
    over = {"gate": option} if isinstance(option, Mapping) else {}
    return [
        _merge(_merge({"gate": gate}, camera), over) if isinstance(camera, Mapping) else camera for camera in cameras
    ]


def _add_named(tables: list[Any], named: Any, *, several: bool) -> list[Any]:
    """Put sources that the options name over the file's cameras of the same names, and add the others."""
    if not several:  # [camera] holds what all of them share
        return [_merge(tables[0], camera) for camera in named]
    over = list(named)
    known = []
    for table in tables:
        same: dict[str, object] = next((camera for camera in over if camera["name"] == table.get("name")), {})
        known.append(_merge(table, same))
        over = [camera for camera in over if camera is not same]
    return [*known, *over]  # of two with one name, the second stands out


def _check_cameras(cameras: tuple[NodeCameraSettings, ...]) -> None:
    if not cameras:
        raise ConfigError("the list of cameras is empty; add one, beginning with [[cameras]]")
    seen = set()
    for camera in cameras:
        check_name(camera.name, "camera.name")
        Schedule(camera.gate.schedule)
        if camera.name in seen:
            raise ConfigError(f"two cameras are named {camera.name}; give each its own name")
        seen.add(camera.name)


def _check_alerts(settings: Settings) -> None:
    cameras = [camera.name for camera in settings.cameras]
    seen = set()
    for alert in settings.alerts:
        check_name(alert.name, "alerts.name")
        if alert.name in seen:
            raise ConfigError(f"two alerts are named {alert.name}; give each its own name")
        if unknown := [name for name in alert.cameras if name not in cameras]:
            known = ", ".join(cameras)
            raise ConfigError(f"the alert {alert.name} is for {unknown[0]}, which is no camera; choose one of: {known}")
        Alerts([alert], cameras)
        seen.add(alert.name)


def _check_workers(settings: Settings) -> None:
    check_topic(settings.workers.topic, "workers.topic")
    if not settings.workers.send_frames:
        return
    check_for_workers(settings.mqtt)
    if any(camera.gate.scene for camera in settings.cameras):
        raise ConfigError("gate.scene needs the model on this device; leave it out with workers.send_frames")


def _read(path: Path) -> dict[str, object]:
    try:
        return decode_toml(read_text(path), dict[str, object])
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
    if type(value) is int and wanted in (Source, ListenAddress):  # a camera's index, a port
        value = str(value)
    if not isinstance(value, str):
        raise ValueError(f"Expected `str`, got `{type(value).__name__}`")
    try:
        if wanted is Path:
            return Path(value).expanduser()
        return READERS[wanted](value)
    except (ConfigError, RuntimeError) as error:
        raise ValueError(str(error)) from None


def _explain(message: str, path: Path | None, *, several: bool) -> str:
    """Turn msgspec's message into a sentence that begins with the setting's name."""
    what, _, where = message.partition(" - at `$")
    section = where.strip("`.")
    if not several:
        section = section.replace("cameras[0]", "camera")
    file = f"{path}: " if path else ""
    if unknown := re.search(r"unknown field `(.*)`", what):
        name = unknown[1]
        near = difflib.get_close_matches(name, _names(section), n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(_names(section))}"
        return f"{file}unknown setting {section + '.' if section else ''}{name}; {hint}"
    if what.startswith("Invalid enum value"):
        what = what.replace("enum ", "", 1) + f"; choose one of: {', '.join(_choices(section))}"
    elif what.startswith("Expected `object`"):
        what += f"; begin it with [{section}]"
    elif ".gate.masks" in section or ".gate.region" in section:
        what += "; corners are shares of the picture's width and height, from 0 to 1"
    what = re.sub(r"`(\w+)(?: \| null)?`", lambda kind: PLAIN.get(kind[1], kind[0]), what)
    return f"{file}{section}: {what[:1].lower()}{what[1:]}"


def _names(section: str) -> tuple[str, ...]:
    return tuple(_struct(section).__struct_fields__)


def _choices(setting: str) -> tuple[str, ...]:
    section, _, name = setting.rpartition(".")
    optional = get_type_hints(_struct(section))[name]
    return next(get_args(kind) for kind in (optional, *get_args(optional)) if get_origin(kind) is Literal)


def _struct(section: str) -> Any:
    if section.startswith("camera"):
        return GateSettings if section.endswith(".gate") else NodeCameraSettings
    if section.startswith("alerts"):
        return AlertSettings
    return get_type_hints(Settings).get(section, Settings)
