"""Cameras -> captioner -> journal -> broker and sinks, until somebody says stop or all files have ended."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge_caption.cameras.newest import Shot
from edge_caption.cameras.watch import Back, Lost, Over
from edge_caption.errors import CameraError, PhotoError
from edge_caption.model.caption import Caption, CaptionedFrame
from edge_caption.model.live import LiveCaptioner
from edge_caption.mqtt.client import Client
from edge_caption.mqtt.topics import Topics
from edge_caption.node.alerts.alerts import Alerts
from edge_caption.node.board import Board
from edge_caption.node.budget import Budget
from edge_caption.node.camera import Happening, NodeCamera, longest_due_first
from edge_caption.node.control import Control
from edge_caption.node.journal import Journal
from edge_caption.node.masks import Masks
from edge_caption.node.sinks import Sinks
from edge_caption.node.status import Status
from edge_caption.node.switches import Switches
from edge_caption.outbox import Outbox
from edge_caption.records import CameraState, CaptionRecord, Health, encode

log = logging.getLogger(__name__)

GLANCE_S = 0.25
"""How long nothing may happen before the node looks whether it is to stop."""

DRAIN_S = 10.0
"""How long a file's end waits for the broker's next acknowledgement."""

FIRST_HEALTH_S = 5.0

STATE_LIVES = 3
"""Health records that may be missing before the broker forgets that a camera is online (MQTT 5)."""


@dataclass(frozen=True)
class Parts:
    """What a node is composed of."""

    captioner: LiveCaptioner
    outbox: Outbox
    topics: Topics
    client: Client
    sinks: Sinks
    alerts: Alerts
    board: Board
    budget: Budget


class Node:
    """The parts at work. One thread runs the captioner for all cameras, the one longest past its due time first."""

    def __init__(self, parts: Parts, health_s: float, limit: int | None = None) -> None:
        """Take the parts.

        Args:
            parts: what does the work.
            health_s: seconds between two health records.
            limit: stop after so many captions.
        """
        self._parts = parts
        self._journal = Journal(parts.outbox, parts.topics.node)
        self._health_s = health_s
        self._limit = limit
        self._cameras: Sequence[NodeCamera] = ()
        self._failures: list[CameraError] = []
        """Why cameras have ended that should not have."""
        self._changed = threading.Event()
        folder = parts.outbox.path.parent
        remembered = Switches(folder / "switched-off.json"), Masks(folder / "masks.json")
        self.control = Control(self.notify, self.health, *remembered)
        """What other threads may ask for."""
        self.turns = self.frames = 0
        """How often the node looked at its cameras, and how many frames it took."""
        self._status = Status(parts.topics.node, parts.outbox, parts.client, parts.board, parts.budget)
        self._health_at = time.monotonic() + min(FIRST_HEALTH_S, health_s)

    def notify(self) -> None:
        """Say that a camera may have something; for any thread."""
        self._changed.set()

    def run(self, cameras: Sequence[NodeCamera], stop: threading.Event) -> None:
        """Caption until `stop` is set, the limit is reached or all cameras are over.

        Raises:
            CameraError: not one camera could be opened or read.
            ConfigError: the broker refused the first login.
            OutboxError: the disk refuses captions.
        """
        self._cameras = cameras
        self.control.watch_over(cameras)
        for camera in cameras:
            self._set_state(camera, "offline" if camera.enabled else "disabled")
        for alert in self._parts.alerts.all:
            self._parts.client.retain(self._parts.topics.alert(alert.camera, alert.name), b"OFF")
        while not stop.is_set() and not self._reached_limit():
            self.turns += 1
            self._check_broker()
            self._changed.clear()
            self._carry_out()
            self._lower_alerts()
            if not self._serve_next():
                if all(camera.over for camera in cameras):
                    self._end(stop)
                    return
                self._changed.wait(self._idle_s())
            self._tell_health()

    def say_offline(self) -> None:
        """Leave topics that tell the truth while the program is not running."""
        self._parts.client.retain(self._parts.topics.health, encode(self.health()))
        for camera in self._cameras:
            self._set_state(camera, "offline")

    def health(self) -> Health:
        """Return how the node does now; rates are over the last half minute. For any thread."""
        return self._status.health(self._cameras)

    def tell_of_model(self, event_type: str, reason: str, told: Callable[[], None]) -> None:
        """Write an event for each camera: all share the model. For any thread.

        Args:
            event_type: as in CameraEvent.
            reason: one sentence.
            told: called on the node's thread once the events are on disk.
        """

        def write() -> None:
            for camera in self._cameras:
                self._write_event(camera, event_type, reason)
            told()

        self.control.ask(write)

    def _carry_out(self) -> None:
        """Do what other threads asked for, and tell of cameras that were switched off or on."""
        self.control.carry_out()
        for camera in self._cameras:
            if not camera.enabled:
                self._set_state(camera, "disabled")
            elif camera.state == "disabled":
                self._set_state(camera, camera.state_once_on)

    def _serve_next(self) -> bool:
        """Serve the camera that is longest past its due time of those that have something; return whether one had."""
        self._parts.budget.update()
        turn = 0
        for camera in longest_due_first(self._cameras):
            if happened := self._look(camera, self._parts.budget.ready_at(turn)):
                self._serve(camera, happened)
                return True
            turn += camera.gives
        return False

    def _look(self, camera: NodeCamera, not_before: float) -> Happening | None:
        try:
            return camera.look(not_before)
        except CameraError as error:
            if len(self._cameras) == 1:
                raise
            camera.over = True
            self._failures.append(error)
            return Lost(str(error))

    def _idle_s(self) -> float:
        """Return how long nothing needs to be looked at."""
        now = time.monotonic()
        ready_at = self._parts.budget.ready_at()
        if any(camera.gives and camera.due <= now < ready_at for camera in self._cameras):
            self._parts.budget.note_wait()
        begins = [max(camera.due, ready_at) for camera in self._cameras if not camera.over]
        return min([GLANCE_S, *(begin - now for begin in begins if begin > now)])

    def _serve(self, camera: NodeCamera, happened: Happening) -> None:
        match happened:
            case Shot():
                self._caption(camera, happened)
                self._parts.budget.count()
            case Lost():
                self._lose(camera, happened.reason)
            case Back():
                log.info("the camera %s is back", camera.name)
                self._set_state(camera, "online" if camera.enabled else "disabled")
                self._write_event(camera, "camera_back", "it gives frames again")
            case Over():
                self._set_state(camera, "offline")

    def _caption(self, camera: NodeCamera, shot: Shot) -> None:
        self.frames += 1
        pixels = camera.view(shot.frame.pixels)
        held = camera.gates.hold_frame(pixels, wanted=camera.wanted)
        self._tell_obstruction(camera)
        if held:
            return
        began = time.monotonic()
        try:
            encoded = self._parts.captioner.encode(pixels)
        except PhotoError as error:  # a worker elsewhere did not answer
            camera.fail_triggers(str(error))
            return
        if camera.gates.hold_view(encoded.seen.regions, wanted=camera.wanted):
            return
        caption = encoded.caption()
        self._parts.alerts.keep(camera.name, caption)
        latency_ms = (time.monotonic() - began) * 1000
        if camera.gates.hold_caption(caption, wanted=camera.wanted):
            camera.meter.silenced += 1
            return
        self._publish(camera, shot, CaptionedFrame(pixels, shot.frame.captured_at, caption), latency_ms)

    def _publish(self, camera: NodeCamera, shot: Shot, frame: CaptionedFrame, latency_ms: float) -> None:
        """Put a caption on disk, then hand it to the broker, the sinks and those who asked for it."""
        age_ms = (time.monotonic() - shot.arrived) * 1000
        dropped = camera.take_dropped()
        record = self._journal.write_caption(camera.name, frame.caption, frame.captured_at, age_ms, dropped)
        camera.meter.count(latency_ms, age_ms, frame.caption.stages_ms)
        camera.gates.note_published(frame.caption)
        self._parts.client.retain(self._parts.topics.caption(camera.name), encode(record))
        self._parts.client.notice()
        self._parts.sinks.hand(record, frame)
        self._raise_alerts(record, frame.caption)
        for future in camera.take_triggers():
            future.set_result(record)

    def _raise_alerts(self, record: CaptionRecord, caption: Caption) -> None:
        for alert in self._parts.alerts.raised(record.camera, caption):
            self._parts.client.retain(self._parts.topics.alert(alert.camera, alert.name), b"ON")
            raised = self._journal.write_alert(alert.name, record)
            self._parts.client.notice()
            self._parts.sinks.hand(raised)

    def _lower_alerts(self) -> None:
        for alert in self._parts.alerts.lowered():
            self._parts.client.retain(self._parts.topics.alert(alert.camera, alert.name), b"OFF")

    def _tell_obstruction(self, camera: NodeCamera) -> None:
        """Set the camera's state, and tell when its pictures begin or cease to show nothing."""
        obstructed, reason = camera.gates.obstructed, camera.gates.blank_reason
        self._set_state(camera, "obstructed" if obstructed else "online")
        if reason:
            camera.fail_triggers(f"the picture of {camera.name} shows nothing: {reason}")
        if obstructed and not camera.told_obstructed:
            log.warning("the camera %s shows nothing (%s); nothing is said until it does", camera.name, reason)
            self._write_event(camera, "camera_obstructed", str(reason))
        elif camera.told_obstructed and not reason:
            log.info("the camera %s shows something again", camera.name)
            self._write_event(camera, "camera_clear", "it shows something again")
        camera.told_obstructed = obstructed

    def _lose(self, camera: NodeCamera, reason: str) -> None:
        after = "it has ended" if camera.over else "it is tried again until it is back"
        log.warning("the camera %s is lost (%s); %s", camera.name, reason, after)
        self._set_state(camera, "offline" if camera.enabled else "disabled")
        camera.fail_triggers(f"the camera {camera.name} is lost ({reason})")
        self._write_event(camera, "camera_lost", reason)

    def _write_event(self, camera: NodeCamera, event_type: str, reason: str) -> None:
        record = self._journal.write_event(camera.name, event_type, reason)
        self._parts.client.notice()
        self._parts.sinks.hand(record)

    def _set_state(self, camera: NodeCamera, state: CameraState) -> None:
        before, camera.state = camera.state, state
        if state != before:
            self._tell_state(camera)

    def _tell_state(self, camera: NodeCamera) -> None:
        """Publish it. After a kill only the node's will is published: the broker must forget `online` by itself."""
        expiry_s = math.ceil(STATE_LIVES * self._health_s) if camera.state in ("online", "obstructed") else None
        state = str(camera.state).encode()
        self._parts.client.retain(self._parts.topics.camera_status(camera.name), state, expiry_s)
        self._parts.client.retain(self._parts.topics.enabled(camera.name), b"ON" if camera.enabled else b"OFF")

    def _reached_limit(self) -> bool:
        return self._limit is not None and sum(camera.meter.captions for camera in self._cameras) >= self._limit

    def _check_broker(self) -> None:
        if self._parts.client.failure:
            raise self._parts.client.failure

    def _end(self, stop: threading.Event) -> None:
        """Leave nothing behind that the broker would take, and say so where not one camera gave what it should."""
        self._drain(stop)
        if len(self._failures) == len(self._cameras):
            raise self._failures[0]

    def _drain(self, stop: threading.Event) -> None:
        """Wait for the broker to take what files gave, as long as it keeps taking."""
        outbox, client = self._parts.outbox, self._parts.client
        taken, until = client.acknowledged, time.monotonic() + DRAIN_S
        while outbox.depth > outbox.rejected and time.monotonic() < until and not stop.is_set():
            self._check_broker()
            stop.wait(0.05)
            if client.acknowledged != taken:
                taken, until = client.acknowledged, time.monotonic() + DRAIN_S
        if left := outbox.depth:
            log.warning("%d captions wait in %s for the next start", left, outbox.path.parent)

    def _tell_health(self) -> None:
        if time.monotonic() >= self._health_at:
            self._health_at = time.monotonic() + self._health_s
            health = self.health()
            self._parts.client.retain(self._parts.topics.health, encode(health))
            self._parts.sinks.hand(health)
            for camera in self._cameras:
                self._tell_state(camera)
