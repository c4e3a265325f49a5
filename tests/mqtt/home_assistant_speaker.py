"""Runs with Home Assistant's Python: what a speaker says while an automation of the docs is on.

Standard input: the automation as YAML. Standard output: a list of sentences.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
import tempfile

import yaml  # type: ignore[import-untyped]
from homeassistant import core, loader
from homeassistant.config_entries import ConfigEntries
from homeassistant.helpers import (
    area_registry,
    category_registry,
    condition,
    device_registry,
    entity,
    entity_registry,
    floor_registry,
    issue_registry,
    label_registry,
    restore_state,
    template,
    translation,
    trigger,
)
from homeassistant.setup import async_setup_component

REGISTRIES = (area_registry, category_registry, device_registry, entity_registry, floor_registry, issue_registry)
VISITOR = "binary_sensor.porch_pi_porch_alert_visitor"
CAPTION = "sensor.porch_pi_porch_caption"


async def main(folder: str) -> list[str]:
    """Let captions come, and return what was said."""
    hass = core.HomeAssistant(folder)
    loader.async_setup(hass)
    hass.config_entries = ConfigEntries(hass, {})
    hass.config.skip_pip = True
    entity.async_setup(hass)
    loads = [module.async_load for module in (*REGISTRIES, label_registry, restore_state)]
    for begin in (*loads, template.async_setup, translation.async_setup, trigger.async_setup, condition.async_setup):
        if inspect.isawaitable(begun := begin(hass)):
            await begun
    said: list[str] = []

    async def speak(call: core.ServiceCall) -> None:
        said.append(call.data["message"])

    hass.services.async_register("tts", "speak", speak)
    await hass.async_start()
    assert await async_setup_component(hass, "automation", yaml.safe_load(sys.stdin.read()))

    async def see(caption: str, number: int, confidence: float, visitor: str) -> None:
        hass.states.async_set(CAPTION, caption, {"caption": caption, "id": number, "confidence": confidence})
        await hass.async_block_till_done()
        hass.states.async_set(VISITOR, visitor)
        await hass.async_block_till_done()

    await see("a dog runs", 0, 0.6, "off")
    await see("a man stands at a door", 1, 0.7, "on")
    await see("a man stands at a door", 2, 0.7, "on")
    await see("a woman walks", 3, 0.2, "on")
    await see("a mandolin on a table", 4, 0.8, "off")
    await see("two people at a gate", 5, 0.6, "on")
    await hass.async_stop(force=True)
    return said


with tempfile.TemporaryDirectory() as scratch:
    print(json.dumps(asyncio.run(main(scratch))))
