"""What Home Assistant is told so that it finds the node and its cameras by itself.

Home Assistant's MQTT device discovery: https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from edge_caption.mqtt.topics import Topics

Component = dict[str, Any]

LONGEST_STATE = 255
"""Characters of a state in Home Assistant. Attributes may be longer."""

UPDATE_EVENTS = ("update_begun", "update_done", "update_failed", "update_rolled_back")

EVENT_TYPES = ("caption", "alert", "camera_lost", "camera_back", "camera_obstructed", "camera_clear", *UPDATE_EVENTS)

ATTRIBUTES = (
    "{{ {'caption': value_json.caption, 'confidence': value_json.confidence,"
    " 'doubtful': value_json.doubtful | default(none),"  # a caption that an older version retained has none
    " 'language': value_json.language, 'captured_at': value_json.captured_at, 'id': value_json.id} | tojson }}"
)
"""Without the words: the recorder keeps each state's attributes for days."""

UPDATE = (
    "{{ {'installed_version': value_json.installed_version, 'latest_version': value_json.latest_version,"
    " 'title': value_json.title, 'in_progress': value_json.in_progress,"
    " 'update_percentage': value_json.update_percentage,"
    f" 'release_summary': (value_json.error or '')[:{LONGEST_STATE}]}} | tojson }}}}"
)
"""What Home Assistant knows of an update; any other key is an error there."""

INSTALL = '{"install": true}'

GIVES_FRAMES = "{{ 'online' if value in ('online', 'obstructed') else 'offline' if value else '' }}"
"""The empty message of `edge-caption doctor mqtt` says nothing."""

NO_UPDATES: dict[str, Component] = {"update": {"p": "update"}}

REMOVED: dict[str, Component] = {
    "snapshot": {"p": "image"},
    "enabled": {"p": "switch"},
    "trigger": {"p": "button"},
}
"""A component with nothing but its platform is removed: what was offered once may be offered no more."""

DIAGNOSTICS: dict[str, tuple[str, str, Component]] = {
    "latency": ("Latency", "value_json.latency_ms.p50 if value_json.latency_ms else None", {"unit_of_meas": "ms"}),
    "age": ("Age of captions", "value_json.age_ms.p50 if value_json.age_ms else None", {"unit_of_meas": "ms"}),
    "captions_per_second": ("Captions per second", "value_json.fps", {"unit_of_meas": "1/s"}),
    "outbox": ("Captions that wait", "value_json.outbox_depth", {}),
    "outbox_rejected": ("Captions that the broker rejects", "value_json.outbox_rejected", {}),
    "outbox_dropped": ("Captions lost", "value_json.outbox_dropped", {}),
    "memory": ("Memory", "value_json.rss_mb", {"unit_of_meas": "MB", "dev_cla": "data_size"}),
    "cpu": ("Processor", "value_json.cpu_percent", {"unit_of_meas": "%"}),
    "disk_free": ("Free disk", "value_json.disk_free_mb", {"unit_of_meas": "MB", "dev_cla": "data_size"}),
    "temperature": ("Temperature", "value_json.temperature_c", {"unit_of_meas": "°C", "dev_cla": "temperature"}),
    "power": ("Power", "value_json.power_w", {"unit_of_meas": "W", "dev_cla": "power"}),
}
"""By the component's name: what it is called, its value in a health record, and more."""


@dataclass(frozen=True)
class Offer:
    """What the node has for Home Assistant."""

    version: str
    """Of Edge Caption."""

    model: str
    """The model's name."""

    cameras: Sequence[str]

    commands: bool
    """Whether cameras can be switched and triggered."""

    snapshots: bool
    """Whether there are pictures."""

    updates: bool = False
    """Whether the model can be updated."""

    alerts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The names of each camera's alerts."""

    gone_alerts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The same, of those that there were once."""


def discovery(topics: Topics, prefix: str, offer: Offer) -> dict[str, bytes]:
    """Return discovery topics and payloads: one device for the node, and one for each camera.

    Args:
        topics: of the node.
        prefix: Home Assistant's, `homeassistant` unless it was told another.
        offer: what there is.
    """
    node = identifier(topics.prefix, topics.node)
    devices = {node: _node_device(topics, node, offer)}
    for camera in offer.cameras:
        own_id = identifier(topics.prefix, topics.node, camera)
        devices[own_id] = _camera_device(topics, node, own_id, camera, offer)
    return {f"{prefix}/device/{name}/config": msgspec.json.encode(device) for name, device in devices.items()}


def identifier(*names: str) -> str:
    """Return one name of letters, digits and `_`, different for different names; it must never change."""
    return f"edge_caption_{hashlib.sha256('/'.join(names).encode()).hexdigest()[:16]}"


def _entity(*names: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", "_".join(names).lower()).strip("_")


def _key(name: str) -> str:
    """Return a component's name without spaces: by them Home Assistant finds what belongs to a device it removes."""
    return name.replace("%", "%25").replace(" ", "%20")


def _node_device(topics: Topics, own_id: str, offer: Offer) -> Component:
    available = [{"t": topics.status}]
    components = {
        name: {
            "p": "sensor",
            "name": called,
            "stat_t": topics.health,
            "val_tpl": f"{{{{ {value} }}}}",
            "stat_cla": "measurement",
            "ent_cat": "diagnostic",
            **more,
        }
        for name, (called, value, more) in DIAGNOSTICS.items()
    }
    components["throttled"] = {
        "p": "binary_sensor",
        "name": "Throttled",
        "stat_t": topics.health,
        "val_tpl": "{{ {true: 'ON', false: 'OFF'}.get(value_json.throttled, None) }}",
        "dev_cla": "problem",
        "ent_cat": "diagnostic",
    }
    if offer.updates:
        components["update"] = {
            "p": "update",
            "name": "Model",
            "stat_t": topics.update,
            "val_tpl": UPDATE,
            "cmd_t": topics.request("update"),
            "pl_inst": INSTALL,
            "ent_cat": "config",
        }
    device = {"ids": [own_id], "name": topics.node, "mf": "Edge Caption", "mdl": offer.model, "sw": offer.version}
    components = {name: {**each, "avty": available} for name, each in components.items()}
    return _whole(device, offer, NO_UPDATES, components, topics.node)


def _camera_device(topics: Topics, node: str, own_id: str, camera: str, offer: Offer) -> Component:
    node_there = [{"t": topics.status}]
    # After a kill only the node's status changes.
    camera_there = [*node_there, {"t": topics.camera_status(camera), "val_tpl": GIVES_FRAMES}]
    components = {name: {**each, "avty": camera_there} for name, each in _pictured(topics, camera, offer).items()}
    if offer.commands:
        base = topics.enabled(camera).removesuffix("/state")
        switch = {"p": "switch", "name": "Captions", "cmd_t": f"{base}/set", "stat_t": f"{base}/state"}
        # A camera that is switched off is not there, and must be switched on again even so.
        components["enabled"] = {**switch, "ic": "mdi:cctv", "avty": node_there}
        components["trigger"] = {
            "p": "button",
            "name": "Caption now",
            "cmd_t": topics.trigger(camera),
            "avty": camera_there,
        }
    device = {"ids": [own_id], "name": camera, "mf": "Edge Caption", "mdl": "Camera", "via_device": node}
    gone = {**REMOVED, **{f"alert_{name}": {"p": "binary_sensor"} for name in offer.gone_alerts.get(camera, ())}}
    return _whole(device, offer, gone, components, topics.node, camera)


def _pictured(topics: Topics, camera: str, offer: Offer) -> dict[str, Component]:
    """Return the components that tell what a camera sees."""
    caption, event = topics.caption(camera), topics.event(camera)
    components: dict[str, Component] = {
        "caption": {
            "p": "sensor",
            "name": "Caption",
            "stat_t": caption,
            "val_tpl": f"{{{{ value_json.caption[:{LONGEST_STATE}] }}}}",
            "json_attr_t": caption,
            "json_attr_tpl": ATTRIBUTES,
            "ic": "mdi:text-short",
        },
        "confidence": {
            "p": "sensor",
            "name": "Confidence",
            "stat_t": caption,
            "val_tpl": "{{ (value_json.confidence * 100) | round(1) }}",
            "unit_of_meas": "%",
            "stat_cla": "measurement",
        },
        "obstructed": {
            "p": "binary_sensor",
            "name": "Obstructed",
            "stat_t": topics.camera_status(camera),
            "val_tpl": "{{ 'ON' if value == 'obstructed' else 'OFF' }}",
            "dev_cla": "problem",
        },
        "event": {"p": "event", "name": "Event", "stat_t": event, "evt_typ": list(EVENT_TYPES), "ic": "mdi:cctv"},
    }
    for name in offer.alerts.get(camera, ()):
        sensor = {"p": "binary_sensor", "name": name, "stat_t": topics.alert(camera, name), "ic": "mdi:bell"}
        components[f"alert_{name}"] = sensor
    if offer.snapshots:
        image = {"p": "image", "name": "Snapshot", "img_t": topics.snapshot(camera), "cont_type": "image/jpeg"}
        components["snapshot"] = image
    return components


def _whole(
    device: Component, offer: Offer, gone: dict[str, Component], components: dict[str, Component], *names: str
) -> Component:
    (own_id,) = device["ids"]
    return {
        "dev": device,
        "o": {"name": "Edge Caption", "sw": offer.version},
        "cmps": {
            **{_key(name): each for name, each in gone.items()},
            **{
                _key(name): {
                    "uniq_id": f"{own_id}_{name}",
                    "def_ent_id": f"{each['p']}.{_entity(*names, name)}",
                    "avty_mode": "all",
                    "qos": 1,
                    **each,
                }
                for name, each in components.items()
            },
        },
    }
