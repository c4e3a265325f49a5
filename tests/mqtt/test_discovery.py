from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jinja2.sandbox import SandboxedEnvironment

from edge_caption.mqtt.client import Client
from edge_caption.mqtt.discovery import Offer, discovery, identifier
from edge_caption.mqtt.home_assistant import HomeAssistant
from edge_caption.mqtt.topics import Topics
from edge_caption.records import UpdateState
from tests.brokers import Listener, Mosquitto, retained, wait_for
from tests.conftest import ROOT
from tests.mqtt.conftest import Start

TOPICS = Topics("edge_caption", "Porch Pi")
OFFER = Offer(
    "1.2.3",
    "default",
    ("porch", "大门"),
    commands=True,
    snapshots=True,
    updates=True,
    alerts={"大门": ("访客",)},
    gone_alerts={"porch": ('who\'s "there"? ${x}',)},
)
HOME_ASSISTANT = ROOT / ".home-assistant" / "bin" / "python"


def told(topics: Topics = TOPICS, offer: Offer = OFFER) -> dict[str, dict[str, Any]]:
    made = discovery(topics, "homeassistant", offer)
    return {topic: msgspec.json.decode(payload, type=dict[str, Any]) for topic, payload in made.items()}


def device_of(camera: str, offer: Offer = OFFER) -> dict[str, Any]:
    (found,) = [device for device in told(offer=offer).values() if device["dev"]["name"] == camera]
    return found


def test_the_node_and_each_camera_are_devices_of_their_own() -> None:
    devices = told()
    assert all(re.fullmatch(r"homeassistant/device/[a-zA-Z0-9_-]+/config", topic) for topic in devices)
    assert [device["dev"]["name"] for device in devices.values()] == ["Porch Pi", "porch", "大门"]
    node, *cameras = devices.values()
    assert {camera["dev"]["via_device"] for camera in cameras} == set(node["dev"]["ids"])
    ids = [part["uniq_id"] for each in devices.values() for part in each["cmps"].values() if len(part) > 1]
    assert len(ids) == len(set(ids))


def test_ids_differ_where_names_do_and_never_change() -> None:
    names = [("a", "b_c"), ("a_b", "c"), ("a", "b c"), ("A", "b_c"), ("a", "b", "c")]
    assert len({identifier(*each) for each in names}) == len(names)
    assert identifier("edge_caption", "porch-pi") == "edge_caption_c5ec387b56480e8e"


def test_a_camera_is_available_while_its_program_and_itself_are() -> None:
    parts = device_of("porch")["cmps"]
    program, camera = "edge_caption/Porch Pi/status", "edge_caption/Porch Pi/cam/porch/status"
    assert [each["t"] for each in parts["caption"]["avty"]] == [program, camera]
    assert parts["caption"]["avty_mode"] == "all"
    # A camera that is switched off must be switched on again.
    assert parts["enabled"]["avty"] == [{"t": program}]


@pytest.mark.parametrize(
    ("state", "said"),
    [("online", "online"), ("obstructed", "online"), ("offline", "offline"), ("disabled", "offline"), ("", "")],
)
def test_a_cameras_state_tells_whether_it_gives_frames_and_the_doctors_visit_nothing(state: str, said: str) -> None:
    (_, camera) = device_of("porch")["cmps"]["caption"]["avty"]
    assert SandboxedEnvironment().from_string(camera["val_tpl"]).render(value=state) == said


def test_what_is_not_offered_is_removed() -> None:
    parts = device_of("porch", Offer("1", "m", ("porch",), False, False))
    assert {name: part for name, part in parts["cmps"].items() if len(part) == 1} == {
        "snapshot": {"p": "image"},
        "enabled": {"p": "switch"},
        "trigger": {"p": "button"},
    }


def test_each_alert_of_a_camera_is_a_sensor() -> None:
    parts = device_of("porch", Offer("1", "m", ("porch", "yard"), False, False, alerts={"porch": ("visitor",)}))["cmps"]
    assert parts["alert_visitor"]["p"] == "binary_sensor"
    assert parts["alert_visitor"]["stat_t"] == "edge_caption/Porch Pi/cam/porch/alert/visitor"
    others = device_of("yard", Offer("1", "m", ("porch", "yard"), False, False, alerts={"porch": ("visitor",)}))["cmps"]
    assert "alert_visitor" not in others


def test_a_components_key_has_no_space_for_home_assistant_would_not_remove_it_with_its_device() -> None:
    names = ("a b", "a_b", "a%20b")
    offer = Offer("1", "m", ("porch",), False, False, alerts={"porch": names}, gone_alerts={"porch": ("c d",)})
    parts = device_of("porch", offer)["cmps"]
    assert not [key for key in parts if " " in key]
    alerts = [part for key, part in parts.items() if key.startswith("alert_") and len(part) > 1]
    assert [part["name"] for part in alerts] == list(names)
    assert len({part["uniq_id"] for part in alerts}) == 3


def test_an_alert_that_was_taken_out_of_the_settings_is_removed() -> None:
    offer = Offer("1", "m", ("porch",), False, False, gone_alerts={"porch": ("visitor",)})
    assert device_of("porch", offer)["cmps"]["alert_visitor"] == {"p": "binary_sensor"}


def test_the_model_can_be_updated_where_the_node_takes_updates_and_the_entity_goes_where_not() -> None:
    part = device_of("Porch Pi")["cmps"]["update"]
    assert (part["p"], part["stat_t"]) == ("update", "edge_caption/Porch Pi/update")
    assert (part["cmd_t"], part["pl_inst"]) == ("edge_caption/Porch Pi/bridge/request/update", '{"install": true}')
    without = device_of("Porch Pi", Offer("1", "m", ("porch",), commands=True, snapshots=False))["cmps"]
    assert without["update"] == {"p": "update"}


@pytest.mark.skipif(not HOME_ASSISTANT.exists(), reason="Home Assistant is not here; run scripts/home_assistant")
@pytest.mark.parametrize("offer", [OFFER, Offer("1", "m", ("porch",), commands=False, snapshots=False)])
def test_home_assistants_own_schemas_accept_it_and_drop_no_key(offer: Offer) -> None:
    caption = {"caption": "a dog " * 100, "confidence": 0.5, "language": "en", "captured_at": 1.5, "id": "pi:1"}
    numbers = ("fps", "outbox_depth", "outbox_rejected", "outbox_dropped", "rss_mb", "cpu_percent", "disk_free_mb")
    health: dict[str, Any] = {**dict.fromkeys(numbers, 1.5), "temperature_c": None, "power_w": None, "throttled": None}
    health |= {"latency_ms": {"p50": 3.5}, "age_ms": None}
    update = UpdateState(
        state="receiving",
        title="edge-caption-home",
        installed_version="6",
        latest_version="7",
        in_progress=True,
        update_percentage=35,
        update="0123456789abcdef",
        next=35,
        size=100,
        error="the update fails: " + 'it\'s "long" ' * 40,
    )
    states = {TOPICS.caption("porch"): caption, TOPICS.health: health, TOPICS.update: msgspec.to_builtins(update)}
    script = Path(__file__).with_name("home_assistant_judge.py")
    given = msgspec.json.encode({"discovery": told(offer=offer), "states": states})
    done = subprocess.run([HOME_ASSISTANT, script], input=given, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    assert msgspec.json.decode(done.stdout) == []


@pytest.mark.skipif(not HOME_ASSISTANT.exists(), reason="Home Assistant is not here; run scripts/home_assistant")
@pytest.mark.parametrize("number", [0, 1])
def test_the_automations_of_the_docs_say_each_visit_once(number: int) -> None:
    page = (ROOT / "docs" / "home-assistant.md").read_text("utf-8")
    automations = re.findall(r"```yaml\n(automation:.*?)```", page, re.DOTALL)
    assert len(automations) == 2
    script = Path(__file__).with_name("home_assistant_speaker.py")
    done = subprocess.run(
        [HOME_ASSISTANT, script], input=automations[number], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == ["At the door: a man stands at a door", "At the door: two people at a gate"]


@pytest.fixture
def client(mosquitto: Mosquitto, start: Start) -> Client:
    return start(mosquitto.url)


def test_it_is_retained_and_sent_again_before_the_states_when_home_assistant_starts(
    mosquitto: Mosquitto, client: Client, tmp_path: Path
) -> None:
    made = discovery(TOPICS, "homeassistant", OFFER)
    client.retain(TOPICS.caption("porch"), b"{}")
    HomeAssistant(client, "homeassistant", made, tmp_path / "told.json")
    wait_for(lambda: made.items() <= retained(mosquitto.port).items())
    wait_for(lambda: "homeassistant/status (QoS 1)" in mosquitto.log())
    heard = Listener(mosquitto.port)
    heard.publish("homeassistant/status", b"offline")
    heard.publish("homeassistant/status", b"online")
    wait_for(lambda: heard.payloads(TOPICS.caption("porch")))
    again = [
        message.topic for message in heard.messages if not message.retain and message.topic != "homeassistant/status"
    ]
    assert again[: len(made)] == list(made)
    assert len(again) == len(set(again))
    heard.close()


def test_what_is_no_more_is_removed_from_the_broker(mosquitto: Mosquitto, client: Client, tmp_path: Path) -> None:
    made = discovery(TOPICS, "homeassistant", OFFER)
    HomeAssistant(client, "homeassistant", made, tmp_path / "told.json")
    wait_for(lambda: made.keys() <= retained(mosquitto.port).keys())
    fewer = discovery(TOPICS, "homeassistant", Offer("1", "m", ("porch",), commands=False, snapshots=False))
    HomeAssistant(client, "homeassistant", fewer, tmp_path / "told.json")
    wait_for(lambda: {t for t in retained(mosquitto.port) if t.startswith("homeassistant")} == fewer.keys())
    HomeAssistant(client, "homeassistant", {}, tmp_path / "told.json")
    wait_for(lambda: not {t for t in retained(mosquitto.port) if t.startswith("homeassistant")})


def test_a_damaged_memory_of_it_is_named(client: Client, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "told.json").write_text("{")
    HomeAssistant(client, "homeassistant", {}, tmp_path / "told.json")
    assert "told.json can't be read" in caplog.text
    assert "the broker may keep what is no more" in caplog.text
