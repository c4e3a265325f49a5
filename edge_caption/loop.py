"""Camera -> captioner -> outbox -> broker, until somebody says stop or a file ends."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Protocol

from edge_caption.cameras.camera import Feed
from edge_caption.cameras.newest import Shot
from edge_caption.cameras.watch import Back, Lost, Over, Watch
from edge_caption.caption import Caption
from edge_caption.config import Settings
from edge_caption.events import Events, Model
from edge_caption.frame import Pixels
from edge_caption.gate import Gate
from edge_caption.health import Meter, resident_mb
from edge_caption.identity import node_name, outbox_path
from edge_caption.mqtt.client import Client
from edge_caption.mqtt.messages import CaptionMessage, Health, encode
from edge_caption.mqtt.topics import Topics
from edge_caption.outbox import Outbox

log = logging.getLogger(__name__)

GLANCE_S = 0.25
"""How long nothing may happen before the loop looks whether it is to stop."""

FLUSH_S = 1.0
"""How long a stop waits for the newest captions to reach the broker; the others stay on disk."""

DRAIN_S = 10.0
"""How long a file's end waits for the broker's next acknowledgement."""


FIRST_HEALTH_S = 5.0


class Captions(Protocol):
    """What the loop needs of a captioner."""

    @property
    def model(self) -> Model: ...
    def caption(self, photo: Pixels, /) -> Caption: ...


Show = Callable[[CaptionMessage], None]


def run(settings: Settings, feed: Feed, captioner: Captions, show: Show, stop: threading.Event) -> None:
    """Caption a feed until `stop` is set or the feed is over; what is committed by then is never lost.

    Args:
        settings: where to, how often, under which names.
        feed: where frames come from.
        captioner: what makes sentences of them.
        show: called with every caption once it is on disk; may set `stop`.
        stop: ends the loop from another thread or a signal handler.

    Raises:
        CameraError: a camera of this computer or a file cannot be opened.
        ConfigError: the broker refused the first login, or the embedded broker cannot start.
        OutboxError: the disk refuses captions, or another process uses the same state directory and node.
    """
    node = node_name(settings.node, settings.state_dir)
    limits = settings.outbox
    with ExitStack() as stack:
        outbox = Outbox(outbox_path(settings.state_dir, node), limits.max_messages, limits.max_bytes)
        stack.callback(outbox.close)
        if settings.mqtt.broker.embedded:
            from edge_caption.mqtt.broker import EmbeddedBroker

            stack.callback(EmbeddedBroker(settings.mqtt.broker.port).close)
        watch = Watch(feed, settings.camera)
        stack.callback(watch.stop, 1.0)
        topics = Topics(settings.prefix, node)
        publisher = Client(settings.mqtt, topics, outbox)
        stack.callback(publisher.stop, FLUSH_S)
        loop = _Loop(settings, topics, watch, captioner, outbox, publisher, show)
        stack.callback(loop.say_offline)
        loop.run(stop)


class _Loop:
    """The parts at work, and what has to be remembered from one caption to the next."""

    def __init__(
        self,
        settings: Settings,
        topics: Topics,
        watch: Watch,
        captioner: Captions,
        outbox: Outbox,
        publisher: Client,
        show: Show,
    ) -> None:
        self._settings = settings
        self._camera = settings.camera.name
        self._topics = topics
        self._watch = watch
        self._captioner = captioner
        self._events = Events(outbox, topics, settings.camera.name, captioner.model)
        self._outbox = outbox
        self._publisher = publisher
        self._show = show
        self._gate = Gate(settings.gate)
        self._meter = Meter()
        self._dropped = 0
        self._online: bool | None = None
        self._health_at = time.monotonic() + min(FIRST_HEALTH_S, settings.mqtt.health_s)

    def run(self, stop: threading.Event) -> None:
        due = 0.0
        while not stop.is_set():
            self._check_broker()
            happened = self._watch.take(GLANCE_S, due)
            match happened:
                case Shot():
                    due = self._next_due(due)
                    self._caption(happened)
                case Lost():
                    self._lose(happened.reason)
                case Back():
                    log.info("the camera %s is back", self._camera)
                    self._tell("camera_back", "it gives frames again")
                case Over():
                    self._drain(stop)
                    return
            del happened  # Or a large frame would be held until the next one comes.
            self._tell_health()

    def _next_due(self, due: float) -> float:
        """Return when the next frame may be taken, without the drift that adding to the present would bring."""
        step, now = 1 / self._settings.camera.fps, time.monotonic()
        return (due if due > now - step else now) + step

    def say_offline(self) -> None:
        """Leave topics that tell the truth while the program is not running."""
        self._publisher.retain(self._topics.health, self._health())
        self._set_online(False)

    def _caption(self, shot: Shot) -> None:
        self._set_online(True)
        began = time.monotonic()
        caption = self._captioner.caption(shot.frame.pixels)
        latency_ms = (time.monotonic() - began) * 1000
        self._meter.frames_dropped += shot.dropped
        self._dropped += shot.dropped
        if not self._gate.lets_through(caption):
            self._meter.silenced += 1
            return
        age_ms = (time.monotonic() - shot.arrived) * 1000
        message = self._events.commit_caption(caption, shot.frame.captured_at, age_ms, self._dropped)
        self._dropped = 0
        self._meter.count(latency_ms, age_ms)
        self._publisher.retain(self._topics.caption(self._camera), encode(message))
        self._publisher.notice()
        self._show(message)

    def _lose(self, reason: str) -> None:
        log.warning("the camera %s is lost (%s); it is tried again until it is back", self._camera, reason)
        self._set_online(False)
        self._tell("camera_lost", reason)

    def _tell(self, event_type: str, reason: str) -> None:
        self._events.commit_camera(event_type, reason)
        self._publisher.notice()

    def _set_online(self, online: bool) -> None:
        if online != self._online:
            self._publisher.retain(self._topics.camera_status(self._camera), b"online" if online else b"offline")
        self._online = online

    def _check_broker(self) -> None:
        if self._publisher.failure:
            raise self._publisher.failure

    def _drain(self, stop: threading.Event) -> None:
        """Wait for the broker to take what a file gave, as long as it keeps taking."""
        taken, until = self._publisher.acknowledged, time.monotonic() + DRAIN_S
        while self._outbox.depth > self._outbox.rejected and time.monotonic() < until and not stop.is_set():
            self._check_broker()
            stop.wait(0.05)
            if self._publisher.acknowledged != taken:
                taken, until = self._publisher.acknowledged, time.monotonic() + DRAIN_S
        if left := self._outbox.depth:
            log.warning("%d captions wait in %s for the next start", left, self._outbox.path.parent)

    def _tell_health(self) -> None:
        if time.monotonic() >= self._health_at:
            self._health_at = time.monotonic() + self._settings.mqtt.health_s
            self._publisher.retain(self._topics.health, self._health())

    def _health(self) -> bytes:
        return encode(
            Health(
                node=self._topics.node,
                at=round(time.time(), 3),
                uptime_s=self._meter.uptime_s,
                fps=self._meter.measure_fps(),
                captions=self._meter.captions,
                silenced=self._meter.silenced,
                latency_ms=self._meter.latency_ms,
                age_ms=self._meter.age_ms,
                frames_dropped=self._meter.frames_dropped,
                camera_reconnects=self._watch.reconnects,
                broker_reconnects=max(0, self._publisher.connections - 1),
                outbox_depth=self._outbox.depth,
                outbox_rejected=self._outbox.rejected,
                outbox_dropped=self._outbox.dropped,
                rss_mb=resident_mb(),
            )
        )
