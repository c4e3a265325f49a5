"""What must advance for systemd to be told that the node is alive."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from edge_caption.node.alive import ACKNOWLEDGED_S, FRAME_S, STUCK_S, TURN_S, checks


class Running:
    """A node with one camera, at a time that the test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        self.node = SimpleNamespace(turns=0, frames=0)
        self.camera = SimpleNamespace(step_s=1.0, no_frame_s=10.0, flows=True, watch=SimpleNamespace(stuck=False))
        self.client = SimpleNamespace(connected=True, acknowledged=0)
        self.outbox = SimpleNamespace(depth=0, rejected=0)
        cameras = [cast("Any", self.camera)]
        self._checks = checks(cast("Any", self.node), cameras, cast("Any", self.client), cast("Any", self.outbox))

    def after(self, seconds: float) -> list[str]:
        """Return what stands still after so long, the node's turns aside."""
        self.now += seconds
        self.node.turns += 1
        return [reason for check in self._checks if (reason := check())]


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Running:
    return Running(monkeypatch)


def test_a_node_that_turns_and_takes_frames_is_alive(running: Running) -> None:
    for _ in range(100):
        running.node.frames += 1
        assert running.after(50) == []


def test_a_node_that_does_not_turn_is_not(running: Running) -> None:
    running.node.turns -= 1  # what `after` adds
    running.node.frames += 1
    assert running.after(TURN_S + 1) == [f"no turn of the node for {TURN_S + 1:.0f} s"]


def test_frames_are_expected_of_cameras_that_give_them(running: Running) -> None:
    assert running.after(FRAME_S + 10) == []
    assert running.after(4) == [f"no frame for {FRAME_S + 14:.0f} s"]
    running.camera.flows = False
    assert running.after(10_000) == []


def test_a_camera_that_may_be_silent_for_long_is_no_reason_to_restart(running: Running) -> None:
    """Such as one that publishes a picture every ten minutes."""
    running.camera.no_frame_s = 1800.0
    assert running.after(1800) == []
    assert running.after(100) == ["no frame for 1900 s"]


def test_a_pace_that_a_command_made_slow_is_known(running: Running) -> None:
    running.camera.step_s = 600.0
    assert running.after(1260) == []
    assert running.after(20) == ["no frame for 1280 s"]


def test_a_connected_broker_must_acknowledge_what_waits(running: Running) -> None:
    running.camera.flows = False
    running.outbox.depth = running.outbox.rejected = 3
    assert running.after(ACKNOWLEDGED_S + 1) == []
    running.outbox.depth = 4
    assert running.after(ACKNOWLEDGED_S) == []
    assert running.after(1) == [f"no acknowledgement for {ACKNOWLEDGED_S + 1:.0f} s"]
    running.client.connected = False
    assert running.after(10_000) == []


def test_cameras_that_all_hang_for_long_need_a_restart(running: Running) -> None:
    running.camera.flows, running.camera.watch.stuck = False, True
    assert running.after(STUCK_S) == []
    assert running.after(1) == [f"no camera that answers for {STUCK_S + 1:.0f} s"]
