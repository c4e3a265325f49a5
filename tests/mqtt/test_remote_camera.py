"""A camera node that has its frames captioned by workers: off by default, for pictures leave."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge_caption.config import load
from edge_caption.errors import ConfigError, PhotoError
from edge_caption.images.frame import Pixels
from edge_caption.model.captioner import Captioner
from edge_caption.mqtt.address import Address
from edge_caption.mqtt.settings import MqttSettings
from edge_caption.mqtt.work.asker import Asker
from edge_caption.mqtt.work.captions import RemoteCaptions
from edge_caption.records import PhotoCaption, sentence
from tests.brokers import Listener, Mosquitto, listener, mosquitto, wait_for
from tests.cameras.test_files import write_panned_film
from tests.conftest import ROOT

__all__ = ["listener", "mosquitto"]

JPEG = b"\xff\xd8\xff"


def popen(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "edge_caption", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


def run_node(folder: Path, broker: Mosquitto, *, send_frames: bool, bundle: Path) -> subprocess.Popen[str]:
    settings = folder / "settings.toml"
    film = write_panned_film(folder / "film.mp4", 50)
    told = "[workers]\nsend_frames = true\n" if send_frames else ""
    settings.write_text(f"{told}[camera]\nsource = '{film}'\nloop = true\nfps = 5\n[model]\nbundle = '{bundle}'\n")
    own = ["--config", settings, "--state-dir", folder / "state", "--node", "pi", "--camera", "porch"]
    return popen("run", *own, "--broker", broker.url)


def test_workers_caption_a_cameras_frames_where_it_is_allowed(
    mosquitto: Mosquitto, listener: Listener, tiny_bundle: Path, tmp_path: Path
) -> None:
    # The node has no model: what it says can only come from a worker.
    node = run_node(tmp_path, mosquitto, send_frames=True, bundle=Path("/nowhere"))
    worker = popen("worker", "--broker", mosquitto.url, "--bundle", tiny_bundle, "--name", "one")
    try:
        wait_for(lambda: len(listener.events()) > 5, 60)
    finally:
        for each in (node, worker):
            each.terminate()
        _, said = node.communicate(timeout=30)
        worker.communicate(timeout=30)
    assert node.returncode == 0, said
    assert "pictures leave this device: workers at" in said
    caption = next(event for event in listener.events() if event["event_type"] == "caption")
    assert caption["caption"]
    assert caption["model"]["name"] == "tiny"
    assert set(caption["stages_ms"]) == {"preprocess", "encode", "decode", "workers"}
    assert all(len(word["box"]) == 4 for word in caption["words"])
    assert any(bytes(message.payload).startswith(JPEG) for message in listener.messages)


@pytest.mark.parametrize(
    ("word", "caption", "more", "says"),
    [
        ({"attention": [[0.5, 0.5], [1.0]]}, {}, "", "a worker's answer has no grid of weights"),
        ({"attention": [[]]}, {}, "", "a worker's answer has no grid of weights"),
        ({"attention": [[], []]}, {}, "", "a worker's answer has no grid of weights"),
        ({}, {}, '"x":' + "[" * 9999 + "]" * 9999 + ",", "the frame got an answer that is none"),
        ({"attention": [[1e308]]}, {}, "", "the worker odd says what can't be .attention.; look at it"),
        ({"log_prob": -1e308}, {}, "", r"\(log_prob\)"),
        ({"box": [0, 0, 7, 1]}, {}, "", r"\(box\)"),
        ({}, {"confidence": 1e308}, "", r"\(confidence\)"),
        ({}, {"confidence": -1}, "", r"\(confidence\)"),
        ({}, {"caption": "x" * 100_000}, "", r"\(caption\)"),
        ({}, {"stages_ms": {"a": 1e308, "b": 1e308}}, "", r"\(stages_ms\)"),
    ],
)
def test_an_answer_that_is_no_caption_ends_no_node(
    mosquitto: Mosquitto,
    tiny_captioner: Captioner,
    picture: Pixels,
    word: dict[str, object],
    caption: dict[str, object],
    more: str,
    says: str,
) -> None:
    said = msgspec.to_builtins(PhotoCaption(file="x", **sentence(tiny_captioner.caption(picture), attention=True)))
    said["words"][0].update(word)
    said.update(caption)
    fields = {"status": "ok", "file": "x", "data": said, "worker": "odd"}
    answer = "{" + more + json.dumps(fields).removeprefix("{")
    odd, ready = paho.Client(CallbackAPIVersion.VERSION2, "odd", protocol=paho.MQTTv5), threading.Event()

    def take(client: paho.Client, _: object, message: paho.MQTTMessage) -> None:
        asked = message.properties
        assert asked
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.CorrelationData = asked.CorrelationData  # type: ignore[attr-defined]
        client.publish(asked.ResponseTopic, answer, 1, properties=properties)  # type: ignore[attr-defined]

    odd.on_message, odd.on_subscribe = take, lambda *_: ready.set()
    odd.connect("127.0.0.1", mosquitto.port)
    odd.loop_start()
    odd.subscribe("$share/workers/work", 1)
    assert ready.wait(10)
    with closing(Asker(MqttSettings(broker=Address.parse(mosquitto.url)), "test", "work")) as asker:
        captions = RemoteCaptions(asker, "work", threading.Event())
        with pytest.raises(PhotoError, match=says):
            captions.caption(picture)
    odd.disconnect()
    odd.loop_stop()


def test_no_picture_leaves_where_nobody_allowed_it(
    mosquitto: Mosquitto, listener: Listener, tiny_bundle: Path, tmp_path: Path
) -> None:
    node = run_node(tmp_path, mosquitto, send_frames=False, bundle=tiny_bundle)
    try:
        wait_for(lambda: len(listener.events()) > 3, 60)
    finally:
        node.terminate()
        node.communicate(timeout=30)
    assert not any(bytes(message.payload).startswith(JPEG) for message in listener.messages)
    assert not any(message.topic.startswith("edge_caption/work") for message in listener.messages)


def test_without_a_worker_frames_are_left_out_and_that_is_told_once(
    mosquitto: Mosquitto, tiny_bundle: Path, tmp_path: Path
) -> None:
    node = run_node(tmp_path, mosquitto, send_frames=True, bundle=tiny_bundle)
    try:
        # Each frame is let go at once for the next.
        wait_for(lambda: mosquitto.log().count("Received PUBLISH from asker-pi") >= 5)
    finally:
        node.terminate()
        _, said = node.communicate(timeout=30)
    assert node.returncode == 0, said
    assert said.count("no worker takes photos from edge_caption/work; start one") == 1
    assert said.count("frames are left out until one answers") == 1
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("[gate]\nscene = 0.1\n", "gate.scene needs the model on this device"),
        ("[mqtt]\nprotocol = '3.1.1'\n", "workers need MQTT 5"),
        ("[mqtt]\nbroker = 'embedded'\n", "workers need MQTT 5"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(tmp_path: Path, lines: str, says: str) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(f"[workers]\nsend_frames = true\n{lines}")
    with pytest.raises(ConfigError, match=says):
        load(settings, {})
    settings.write_text("[workers]\ntopic = 'a/#'\n")
    with pytest.raises(ConfigError, match=r"workers\.topic '#' has '#' in it"):
        load(settings, {})
