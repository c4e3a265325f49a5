"""Runs with Home Assistant's Python: is a discovery message what it accepts, and does it drop a key?

Standard input: {"discovery": {topic: payload}, "states": {topic: payload}}. Standard output: a list of complaints.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import tempfile
from typing import Any

from homeassistant.components.mqtt.discovery import (
    DEVICE_DISCOVERY_SCHEMA,
    TOPIC_MATCHER,
    _merge_common_device_options,
    _replace_all_abbreviations,
)
from homeassistant.components.mqtt.update import MQTT_JSON_UPDATE_SCHEMA
from homeassistant.core import HomeAssistant
from jinja2.sandbox import ImmutableSandboxedEnvironment

FIELDS = {"value_template": "state_topic", "json_attributes_template": "json_attributes_topic"}


def complaints(topic: str, device: dict[str, Any], states: dict[str, Any]) -> list[str]:
    """Return what is wrong with one device."""
    if not TOPIC_MATCHER.match(topic.partition("/")[2]):
        return [f"{topic}: not a discovery topic"]
    _replace_all_abbreviations(device)
    DEVICE_DISCOVERY_SCHEMA(device)
    found = []
    for name, component in device["components"].items():
        platform = component.pop("platform")
        if not component:
            continue
        _merge_common_device_options(component, device)
        component["device"] = device["device"]
        accepted = importlib.import_module(f"homeassistant.components.mqtt.{platform}").DISCOVERY_SCHEMA(
            dict(component)
        )
        found += [f"{name}: {key} is dropped" for key in component.keys() - accepted.keys()]
        found += [f"{name}: {said}" for said in _untrue(component, states)]
    return found


def _untrue(component: dict[str, Any], states: dict[str, Any]) -> list[str]:
    """Return what templates make that Home Assistant would not take as a state."""
    found = []
    for template, topic in FIELDS.items():
        payload = states.get(component.get(topic, ""))
        if template in component and payload is not None:
            made = ImmutableSandboxedEnvironment().from_string(component[template]).render(value_json=payload)
            if "payload_install" in component:
                MQTT_JSON_UPDATE_SCHEMA(json.loads(made))
            elif template == "value_template" and len(made) > 255:
                found.append(f"a state of {len(made)} characters")
            if template == "json_attributes_template" and not isinstance(json.loads(made), dict):
                found.append("attributes that are no object")
            if "unit_of_measurement" in component and made != "None":
                float(made)
    return found


async def main() -> None:
    """Judge within Home Assistant's loop: its templates are checked there only."""
    given = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as folder:
        _home = HomeAssistant(folder)
        said = [
            each for topic, device in given["discovery"].items() for each in complaints(topic, device, given["states"])
        ]
    print(json.dumps(said))


asyncio.run(main())
