"""The examples do what they say, each as a program of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import paho.mqtt.publish
import pytest

from tests.brokers import Mosquitto, mosquitto, wait_for
from tests.conftest import ROOT

__all__ = ["mosquitto"]

EXAMPLES = ROOT / "examples"


def run(example: str, *arguments: object) -> list[str]:
    command = [sys.executable, str(EXAMPLES / example), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.splitlines()


def test_a_folder_is_captioned_in_order(demo_photos: list[Path]) -> None:
    folder = demo_photos[0].parent
    lines = run("caption_folder.py", folder)
    assert [line.partition(":")[0] for line in lines] == sorted(photo.name for photo in folder.glob("*.jpg"))


def test_an_async_program_captions_each_photo(demo_photos: list[Path]) -> None:
    lines = run("caption_async.py", *demo_photos)
    assert {line.partition(": ")[0] for line in lines} == {str(photo) for photo in demo_photos}


@pytest.mark.parametrize("example", ["watch_captions.py", "watch_captions_async.py"])
def test_a_consumer_prints_each_event_once_and_names_gaps(example: str, mosquitto: Mosquitto, tmp_path: Path) -> None:
    if "async" in example and find_spec("aiomqtt") is None:
        pytest.skip("aiomqtt is not installed")
    printed = tmp_path / "printed"
    with printed.open("w") as output:
        command = [sys.executable, str(EXAMPLES / example), "localhost", str(mosquitto.port)]
        consumer = subprocess.Popen(command, stdout=output, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        wait_for(lambda: ready(mosquitto.port, printed))
        for number in (1, 2, 2, 1, 5):
            publish(mosquitto.port, number)
        wait_for(lambda: "caption: a dog 5" in printed.read_text())
    finally:
        consumer.terminate()
        consumer.wait()
    lines = [line for line in printed.read_text().splitlines() if not line.startswith("ready")]
    assert lines == [
        "pi/porch caption: a dog 1",
        "pi/porch caption: a dog 2",
        "pi: 2 events are missing",
        "pi/porch caption: a dog 5",
    ]


def test_photos_are_captioned_by_workers(mosquitto: Mosquitto, demo_photos: list[Path], tiny_bundle: Path) -> None:
    own = ["worker", "--broker", mosquitto.url, "--bundle", str(tiny_bundle), "--name", "one"]
    with subprocess.Popen([sys.executable, "-m", "edge_caption", *own], cwd=ROOT) as worker:
        try:
            wait_for(lambda: "Sending SUBACK to one" in mosquitto.log())
            lines = run("ask_workers.py", "localhost", mosquitto.port, *demo_photos)
        finally:
            worker.terminate()
    assert {line.partition(": ")[0] for line in lines} == set(map(str, demo_photos))


def ready(port: int, printed: Path) -> bool:
    """Tell whether the consumer has subscribed: it prints what another node says."""
    publish(port, 1, node="ready")
    time.sleep(0.1)
    return "ready" in printed.read_text()


def publish(port: int, number: int, node: str = "pi") -> None:
    caption = f"a dog {number}"
    event = {"id": f"{node}:{number}", "event_type": "caption", "node": node, "camera": "porch", "caption": caption}
    topic = f"edge_caption/{node}/cam/porch/event"
    paho.mqtt.publish.single(topic, json.dumps(event), qos=1, hostname="localhost", port=port)


def test_the_node_red_flow_is_whole_and_its_function_works() -> None:
    flow = {node["id"]: node for node in json.loads((EXAMPLES / "node-red.json").read_text())}
    for node in flow.values():
        assert {target for wires in node.get("wires", []) for target in wires} <= flow.keys()
    if (node_js := shutil.which("node")) is None:
        pytest.skip("Node.js, which runs the flow's function, is not installed")
    script = """
const kept = {}, context = {get: key => kept[key], set: (key, value) => { kept[key] = value; }};
const node = {warn: text => console.log(`warning: ${text}`)};
const once = new Function("msg", "context", "node", process.argv[1]);
for (const [number, caption] of [[7, "two dogs run"], [7, "two dogs run"], [8, "a cat"], [11, "a dog"], [9, "a dog"]]) {
  const payload = {node: "pi", camera: "porch", id: `pi:${number}`, caption};
  console.log((once({payload}, context, node) || {}).payload);
}
"""
    command = [node_js, "-e", script, flow["edge-caption-once"]["func"]]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == [
        "porch: two dogs run",
        "undefined",
        "undefined",
        "warning: pi: 2 events are missing",
        "porch: a dog",
        "undefined",
    ]
