"""Commands to a node that runs, over a real broker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest
from paho.mqtt.client import Client as Paho
from paho.mqtt.client import MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

import edge_caption
from edge_caption.cameras.kinds import feed_of
from edge_caption.config import load
from edge_caption.images.frame import Pixels
from edge_caption.model.captioner import Captioner
from edge_caption.mqtt.address import Address
from edge_caption.mqtt.client import Client
from edge_caption.mqtt.settings import MqttSettings
from edge_caption.mqtt.topics import Topics
from edge_caption.node import start
from edge_caption.outbox import Outbox
from edge_caption.records import CaptionRecord, Health, Info
from tests.brokers import Listener, Mosquitto, listener, mosquitto, retained, wait_for
from tests.conftest import encode

__all__ = ["listener", "mosquitto"]

ROOT = "edge_caption/pi"
Run = Callable[..., "Running"]


class Running:
    """A node in a thread."""

    def __init__(self, stop: threading.Event, *arguments: object) -> None:
        self.stop = stop
        self._thread = threading.Thread(target=start.run, args=(*arguments, stop))
        self._thread.start()

    def end(self) -> None:
        self.stop.set()
        self._thread.join(10)


@pytest.fixture
def run(tmp_path: Path, picture: Pixels, mosquitto: Mosquitto, tiny_captioner: Captioner) -> Iterator[Run]:
    """Run nodes whose camera gives four photos again and again; they are stopped in the end."""
    album = tmp_path / "album"
    album.mkdir()
    for number in range(4):
        (album / f"{number}.png").write_bytes(encode(np.roll(picture, number * 40, axis=1), ".png"))
    running: list[Running] = []

    def run(
        fps: float = 20,
        cameras: Sequence[str] = ("porch",),
        more: str = "",
        *,
        home_assistant: bool = False,
        **mqtt: object,
    ) -> Running:
        source = f"source = '{album}'\nfps = {fps}\nloop = true\n"
        (tmp_path / "run.toml").write_text(
            more + "".join(f"[[cameras]]\nname = '{name}'\n{source}" for name in cameras)
        )
        options = {
            "node": "pi",
            "state_dir": tmp_path / "state",
            "mqtt": {"broker": mosquitto.url, "commands": True, **mqtt},
            "home_assistant": {"enabled": home_assistant},
        }
        settings = load(tmp_path / "run.toml", options, {})
        feeds = [feed_of(camera.source, camera) for camera in settings.cameras if camera.source]
        running.append(Running(threading.Event(), settings, feeds, tiny_captioner, []))
        return running[-1]

    yield run
    for node in running:
        node.end()


class Asker:
    """A client that sends requests with MQTT 5 and collects the answers."""

    def __init__(self, port: int) -> None:
        self.answers: list[MQTTMessage] = []
        ready = threading.Event()
        self._client = Paho(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        self._client.on_message = lambda _client, _data, message: self.answers.append(message)
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._client.subscribe([(f"{ROOT}/bridge/response/#", 1), ("answers/#", 1)])
        assert ready.wait(5)

    def send(self, topic: str, payload: bytes = b"", *, retain: bool = False, **properties: Any) -> None:
        extras = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        for name, value in properties.items():
            setattr(extras, name, value)
        self._client.publish(f"{ROOT}/{topic}", payload, 1, retain, extras).wait_for_publish(5)

    def ask(self, topic: str, payload: bytes = b"", **properties: Any) -> dict[str, Any]:
        """Send a request and return its answer."""
        before = len(self.answers)
        self.send(topic, payload, **properties)
        wait_for(lambda: len(self.answers) > before)
        return msgspec.json.decode(self.answers[-1].payload, type=dict[str, Any])

    def flood(self, topic: str, many: int) -> None:
        sent = [self._client.publish(f"{ROOT}/{topic}", b"", 1) for _ in range(many)]
        sent[-1].wait_for_publish(30)

    def listen(self, topic: str) -> None:
        self._client.subscribe(topic, 1)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def asker(mosquitto: Mosquitto) -> Iterator[Asker]:
    client = Asker(mosquitto.port)
    yield client
    client.close()


def wait_subscribed(mosquitto: Mosquitto, times: int = 1) -> None:
    wait_for(lambda: mosquitto.log().count(f"{ROOT}/bridge/request/+ (QoS 1)") >= times)


def test_a_status_request_is_answered_with_its_transaction_on_the_response_topic(
    run: Run, mosquitto: Mosquitto, asker: Asker
) -> None:
    run()
    wait_subscribed(mosquitto)
    answer = asker.ask(
        "bridge/request/status", b'{"transaction": "t1"}', ResponseTopic="answers/7", CorrelationData=b"\x00\x07"
    )
    assert (answer["status"], answer["transaction"], answer["error"]) == ("ok", "t1", None)
    assert msgspec.convert(answer["data"], Health).node == "pi"
    message: Any = asker.answers[-1]
    assert message.topic == "answers/7"
    assert message.properties.CorrelationData == b"\x00\x07"
    assert 0 < message.properties.MessageExpiryInterval <= 60
    assert message.properties.UserProperty == [("node", "pi"), ("schema", "1")]
    # Without a response topic, and with one that would be a command to ourselves.
    asker.ask("bridge/request/status")
    asker.ask("bridge/request/status", ResponseTopic=f"{ROOT}/bridge/request/restart")
    assert [message.topic for message in asker.answers[-2:]] == [f"{ROOT}/bridge/response/status"] * 2


def test_commands_are_answered_within_100_ms_while_captions_flow(
    run: Run, mosquitto: Mosquitto, listener: Listener, asker: Asker
) -> None:
    run(fps=50)
    wait_subscribed(mosquitto)
    wait_for(lambda: len(listener.events()) > 10)
    spent = []
    for _ in range(20):
        began = time.monotonic()
        asker.ask("bridge/request/status")
        spent.append(time.monotonic() - began)
    assert sorted(spent)[10] < 0.1


def test_a_camera_is_switched_off_and_stays_off_over_a_restart(
    run: Run, mosquitto: Mosquitto, listener: Listener, asker: Asker
) -> None:
    node = run()
    wait_subscribed(mosquitto)
    wait_for(lambda: len(listener.events()) > 3)
    assert retained(mosquitto.port)[f"{ROOT}/cam/porch/enabled/state"] == b"ON"
    assert asker.ask("cam/porch/enabled/set", b"OFF")["status"] == "ok"
    wait_for(lambda: listener.payloads("/enabled/state")[-1:] == [b"OFF"])
    assert listener.payloads("cam/porch/status")[-1] == b"disabled"
    captions = len(listener.events())
    assert asker.ask("cam/porch/trigger")["error"] == "the camera porch is disabled"
    node.end()
    wait_for(lambda: listener.payloads("pi/status")[-1] == b"offline")
    run()
    wait_subscribed(mosquitto, 2)
    time.sleep(0.5)
    assert len(listener.events()) == captions
    assert asker.ask("bridge/request/enabled", b'{"camera": "porch", "enabled": true}')["status"] == "ok"
    wait_for(lambda: len(listener.events()) > captions)
    wait_for(lambda: listener.payloads("cam/porch/status")[-1] == b"online")


def test_a_trigger_captions_the_next_frame_at_once_and_answers_with_its_record(
    run: Run, mosquitto: Mosquitto, listener: Listener, asker: Asker
) -> None:
    run(fps=0.01)
    wait_subscribed(mosquitto)
    wait_for(lambda: len(listener.events()) == 1)
    answer = asker.ask("cam/porch/trigger", b'{"transaction": 3}')
    record = msgspec.convert(answer["data"], CaptionRecord)
    wait_for(lambda: len(listener.events()) == 2)
    assert (answer["transaction"], record.id, record.camera) == (3, "pi:2", "porch")
    assert listener.events()[1]["id"] == "pi:2"


def test_retained_commands_are_ignored(
    run: Run, mosquitto: Mosquitto, asker: Asker, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    asker.send("cam/porch/enabled/set", b"OFF", retain=True)
    run()
    wait_for(lambda: "is retained and thus ignored" in caplog.text)
    wait_for(lambda: len(listener.events()) > 3)
    assert asker.answers == []


WRONG = {
    ("bridge/request/fly", b""): "there is no command 'fly'; known are status, enabled, trigger",
    ("bridge/request/status", b"{"): "the request is no JSON object",
    ("bridge/request/status", b"\xff\xfe"): "the request is no JSON object",
    ("bridge/request/status", b'"text"'): "the request is no JSON object",
    ("bridge/request/status", b'{"transaktion": "1"}'): "unknown field `transaktion`",
    ("bridge/request/status", b" " * 5000): "5,000 bytes; 4,096 are the most",
    ("bridge/request/trigger", b""): "missing required field `camera`",
    ("cam/roof/trigger", b""): "there is no camera roof; choose one of: porch",
    ("cam/porch/enabled/set", b"MAYBE"): "the request is no JSON object; write it as ON, OFF or",
    ("bridge/request/settings", b'{"fps": 2}'): "fps is one camera's setting; add camera",
    ("bridge/request/settings", b'{"camera": "porch", "fps": -1}'): "the request is wrong",
    (
        "bridge/request/settings",
        b'{"log_level": "loud"}',
    ): "`$.log_level`; choose one of: debug, info, warning",
    ("bridge/request/settings", b'{"camera": "porch"}'): "nothing is to be changed; give fps with camera, or",
    ("bridge/request/trigger", b'{"camera": 7}'): "Expected `str`, got `int`",
    ("bridge/request/snapshot", b'{"camera": "porch"}'): "pictures may not leave this device",
}


def test_wrong_commands_are_answered_with_a_sentence(run: Run, mosquitto: Mosquitto, asker: Asker) -> None:
    run()
    wait_subscribed(mosquitto)
    for (topic, payload), said in WRONG.items():
        answer = asker.ask(topic, payload)
        assert answer["status"] == "error"
        assert said in answer["error"]


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("bridge/request/status", b'{"transaction": "17", "camera": 5}'),
        ("bridge/request/trigger", b'{"transaction": "17"}'),
        ("bridge/request/fly", b'{"transaction": "17"}'),
        ("bridge/request/update", b'{"transaction": "17", "head": 1}'),
    ],
)
def test_a_wrong_request_is_answered_with_its_transaction(
    run: Run, mosquitto: Mosquitto, asker: Asker, topic: str, payload: bytes
) -> None:
    run()
    wait_subscribed(mosquitto)
    answer = asker.ask(topic, payload)
    assert (answer["status"], answer["transaction"]) == ("error", "17")


def test_names_as_long_as_a_topic_may_be_are_answered_shortly_and_end_no_connection(
    run: Run, mosquitto: Mosquitto, asker: Asker, caplog: pytest.LogCaptureFixture
) -> None:
    run()
    wait_subscribed(mosquitto)
    room = 65_535 - len(f"{ROOT}/bridge/request/")
    for topic in (f"bridge/request/{'x' * room}", f"cam/{'y' * (room - 10)}/trigger"):
        assert len(asker.ask(topic)["error"]) <= 500
    assert "Traceback" not in caplog.text
    assert max(len(record.getMessage()) for record in caplog.records) < 1000
    assert mosquitto.log().count("New client connected") == 2


def test_each_of_many_commands_at_once_is_answered(run: Run, mosquitto: Mosquitto, asker: Asker) -> None:
    run(fps=1)
    wait_subscribed(mosquitto)
    asker.flood("bridge/request/status", 500)
    wait_for(lambda: len(asker.answers) == 500)


def test_the_pace_is_changed_by_a_command(run: Run, mosquitto: Mosquitto, listener: Listener, asker: Asker) -> None:
    run(fps=0.01)
    wait_subscribed(mosquitto)
    wait_for(lambda: len(listener.events()) == 1)
    assert asker.ask("bridge/request/settings", b'{"camera": "porch", "fps": 50}')["status"] == "ok"
    wait_for(lambda: len(listener.events()) > 10)


@pytest.mark.parametrize(("fps", "status"), [("5e-324", "ok"), ("1e-300", "ok"), ("1e9", "ok"), ("1e308", "error")])
def test_no_pace_that_a_command_sets_ends_the_node(
    run: Run, mosquitto: Mosquitto, listener: Listener, asker: Asker, fps: str, status: str
) -> None:
    run()
    wait_subscribed(mosquitto)
    assert asker.ask("bridge/request/settings", f'{{"camera": "porch", "fps": {fps}}}'.encode())["status"] == status
    before = len(listener.events())
    assert asker.ask("bridge/request/trigger", b'{"camera": "porch"}')["status"] == "ok"
    assert asker.ask("bridge/request/settings", b'{"camera": "porch", "fps": 30}')["status"] == "ok"
    wait_for(lambda: len(listener.events()) > before + 10)


def test_a_restart_is_answered_before_the_node_stops(run: Run, mosquitto: Mosquitto, asker: Asker) -> None:
    node = run()
    wait_subscribed(mosquitto)
    assert asker.ask("bridge/request/restart", b'{"transaction": "r"}')["transaction"] == "r"
    assert node.stop.wait(5)


def test_pictures_leave_only_where_the_user_allows_it(
    run: Run, mosquitto: Mosquitto, listener: Listener, asker: Asker
) -> None:
    node = run()
    wait_for(lambda: len(listener.events()) > 5)
    node.end()
    wait_for(lambda: listener.payloads("pi/status")[-1] == b"offline")
    assert not [message for message in listener.messages if b"\xff\xd8" in message.payload]
    run(snapshots=True)
    wait_subscribed(mosquitto, 2)
    wait_for(lambda: len(listener.payloads("cam/porch/snapshot")) > 2)
    answer = asker.ask("bridge/request/snapshot", b'{"camera": "porch"}')
    sent = wait_for(lambda: listener.payloads("cam/porch/snapshot"))
    assert answer["data"]["bytes"] == pytest.approx(len(sent[-1]), rel=0.5)
    picture = cv2.imdecode(np.frombuffer(sent[-1], np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (240, 320, 3)
    assert f"{ROOT}/cam/porch/snapshot" not in retained(mosquitto.port)


def test_without_the_setting_there_are_no_commands(
    run: Run, mosquitto: Mosquitto, listener: Listener, asker: Asker
) -> None:
    run(commands=False)
    wait_for(lambda: len(listener.events()) > 3)
    asker.send("cam/porch/enabled/set", b"OFF")
    captions = len(listener.events())
    wait_for(lambda: len(listener.events()) > captions + 5)
    assert asker.answers == []
    assert "SUBSCRIBE from edge_caption-pi" not in mosquitto.log()


def test_info_tells_version_model_and_settings_without_secrets(
    run: Run, mosquitto: Mosquitto, listener: Listener, tiny_captioner: Captioner
) -> None:
    run()
    payload = wait_for(lambda: listener.payloads("pi/info"))[0]
    told = msgspec.json.decode(payload, type=Info)
    assert (told.node, told.version, told.model) == ("pi", edge_caption.__version__, tiny_captioner.model)
    assert told.settings["cameras"][0]["fps"] == 20
    assert told.settings["mqtt"]["broker"] == mosquitto.url
    assert told.settings_schema["$defs"]["NodeCameraSettings"]["properties"]["fps"]


def test_a_camera_is_forgotten_by_the_broker_soon_after_its_program_is_gone(
    run: Run, mosquitto: Mosquitto, listener: Listener, asker: Asker
) -> None:
    run(health_s=0.3)
    topic = f"{ROOT}/cam/porch/status"
    # Each health record says it again, so that it does not expire while the program runs.
    wait_for(lambda: listener.payloads(topic).count(b"online") > 4)
    asker.answers.clear()
    asker.listen(topic)
    online: Any = wait_for(lambda: asker.answers)[0]
    assert (online.payload, online.properties.MessageExpiryInterval) == (b"online", 1)


def test_what_the_broker_is_to_forget_is_forgotten(mosquitto: Mosquitto, tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db")
    client = Client(MqttSettings(broker=Address.parse(mosquitto.url)), Topics("edge_caption", "pi"), outbox)
    client.retain("a/b", b"online", 2)
    wait_for(lambda: retained(mosquitto.port).get("a/b") == b"online")
    wait_for(lambda: "a/b" not in retained(mosquitto.port))
    client.stop(0)
    outbox.close()


def test_cameras_and_alerts_that_are_no_more_leave_nothing_on_the_broker(run: Run, mosquitto: Mosquitto) -> None:
    def kept() -> set[str]:
        return {topic.removeprefix(f"{ROOT}/") for topic in retained(mosquitto.port, f"{ROOT}/#")}

    alert = "[[alerts]]\nname = '{}'\nwords = 'a box'\ncameras = ['porch']\n"
    node = run(cameras=("porch", "yard"), more=alert.format("visitor"), home_assistant=True)
    wait_for(lambda: {f"cam/{camera}/caption" for camera in ("porch", "yard")} < kept())
    assert {"cam/porch/alert/visitor", "cam/yard/status", "cam/yard/enabled/state"} < kept()
    node.end()
    run(more=alert.format("guest"), home_assistant=True)
    wait_for(lambda: not {topic for topic in kept() if "yard" in topic or "visitor" in topic})
    assert {"cam/porch/alert/guest", "cam/porch/caption", "cam/porch/status", "status", "info"} < kept()
    devices = [payload for topic, payload in retained(mosquitto.port, "homeassistant/#").items()]
    assert sum(b'"alert_visitor":{"p":"binary_sensor"}' in payload for payload in devices) == 1


def test_home_assistant_is_told_of_the_node_and_its_cameras_and_then_that_they_are_gone(
    run: Run, mosquitto: Mosquitto
) -> None:
    node = run(home_assistant=True)
    told = wait_for(lambda: {topic for topic in retained(mosquitto.port) if topic.startswith("homeassistant/device/")})
    assert len(told) == 2
    node.end()
    run()
    wait_for(lambda: not told & retained(mosquitto.port).keys())
