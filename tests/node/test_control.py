from __future__ import annotations

import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edge_caption.cameras.kinds import feed_of
from edge_caption.config import load
from edge_caption.errors import ConfigError
from edge_caption.model.captioner import Captioner
from edge_caption.node import start
from edge_caption.node.control import Control
from edge_caption.node.masks import Masks
from edge_caption.node.state_file import write_state
from edge_caption.node.switches import Switches
from edge_caption.records import Health
from tests.brokers import Listener, Mosquitto, listener, mosquitto, retained, wait_for
from tests.cameras.servers import MjpegCamera, MuteServer
from tests.node.test_node import Shown

__all__ = ["listener", "mosquitto"]


CORNER = (((0.0, 0.0), (0.5, 0.0), (0.0, 0.5)),)


def unused() -> Health:
    raise AssertionError


def test_a_camera_that_is_not_there_is_named(tmp_path: Path) -> None:
    control = Control(lambda: None, unused, Switches(tmp_path / "off.json"), Masks(tmp_path / "masks.json"))
    with pytest.raises(ConfigError, match="there is no camera porch"):
        control.enable("porch", True)
    with pytest.raises(ConfigError, match="there is no camera porch"):
        control.trigger("porch")


def test_two_threads_that_switch_cameras_off_are_both_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page and the broker each have a thread."""

    def slow(path: Path, state: Any) -> None:
        time.sleep(0.2)
        write_state(path, state)

    for module in ("switches", "masks"):
        monkeypatch.setattr(f"edge_caption.node.{module}.write_state", slow)
    control = Control(lambda: None, unused, Switches(tmp_path / "off.json"), Masks(tmp_path / "masks.json"))
    cameras: Any = [SimpleNamespace(name=name, hide=lambda _: None, settings_masks=()) for name in ("porch", "yard")]
    control.watch_over(cameras)
    for work in (lambda name: control.enable(name, False), lambda name: control.hide(name, CORNER)):
        threads = [threading.Thread(target=work, args=(camera.name,)) for camera in cameras]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    off, masks = Switches(tmp_path / "off.json"), Masks(tmp_path / "masks.json")
    assert [off.on(camera.name) for camera in cameras] == [False, False]
    assert [masks.of(camera.name, ()) for camera in cameras] == [CORNER, CORNER]


def test_a_camera_is_switched_off_triggered_and_switched_on(
    tmp_path: Path, mosquitto: Mosquitto, tiny_captioner: Captioner
) -> None:
    camera = MjpegCamera()
    source = f"http://127.0.0.1:{camera.port}/"
    options = {
        "node": "pi",
        "state_dir": tmp_path,
        "camera": {"source": source, "name": "porch", "fps": 10},
        "gate": {"min_confidence": 1.0},
        "mqtt": {"broker": mosquitto.url},
    }
    settings = load(None, options, {})
    shown, stop = Shown(), threading.Event()
    controls: list[Control] = []
    feeds = [feed_of(one.source, one) for one in settings.cameras if one.source]
    arguments = (settings, feeds, tiny_captioner, [shown], stop)
    runner = threading.Thread(target=start.run, args=arguments, kwargs={"steer": controls.append})
    runner.start()
    try:
        status = "edge_caption/pi/cam/porch/status"
        wait_for(lambda: retained(mosquitto.port).get(status) == b"online")
        assert not shown.captions  # the gate lets nothing through
        (control,) = controls
        control.trigger("porch")
        wait_for(lambda: len(shown.captions) == 1)
        control.enable("porch", False)
        wait_for(lambda: retained(mosquitto.port).get(status) == b"disabled")
        assert not control.cameras["porch"].enabled
        time.sleep(0.3)
        control.enable("porch", True)
        wait_for(lambda: retained(mosquitto.port).get(status) == b"online")
        assert len(shown.captions) == 1
    finally:
        stop.set()
        runner.join(20)
        camera.close()


def test_a_camera_that_never_gave_a_frame_is_not_online_because_it_is_switched_on(
    tmp_path: Path, mosquitto: Mosquitto, listener: Listener, tiny_captioner: Captioner
) -> None:
    mute = MuteServer()
    options = {
        "node": "pi",
        "state_dir": tmp_path,
        "camera": {"source": f"http://127.0.0.1:{mute.port}/", "name": "porch"},
        "mqtt": {"broker": mosquitto.url},
    }
    settings = load(None, options, {})
    stop, controls = threading.Event(), list[Control]()
    feeds = [feed_of(one.source, one) for one in settings.cameras if one.source]
    arguments = (settings, feeds, tiny_captioner, [Shown()], stop)
    runner = threading.Thread(target=start.run, args=arguments, kwargs={"steer": controls.append})
    runner.start()
    try:
        (control,) = wait_for(lambda: controls)
        control.enable("porch", False)
        wait_for(lambda: listener.payloads("/porch/enabled/state")[-1:] == [b"OFF"])
        control.enable("porch", True)
        wait_for(lambda: listener.payloads("/porch/enabled/state")[-1:] == [b"ON"])
    finally:
        stop.set()
        runner.join(20)
        mute.close()
    assert set(listener.payloads("/cam/porch/status")) == {b"offline", b"disabled"}
