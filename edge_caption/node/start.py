"""Composes a node of its parts and runs it: the one place where settings become parts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import edge_caption
from edge_caption.cameras.camera import Feed
from edge_caption.cameras.topic import TopicFeed
from edge_caption.model.live import Captions, LiveCaptioner
from edge_caption.mqtt.client import Client
from edge_caption.mqtt.commands import CommandAnswer, Commands
from edge_caption.mqtt.leftovers import remove_leftovers
from edge_caption.mqtt.publication import Publication, Received
from edge_caption.mqtt.settings import MqttSettings
from edge_caption.mqtt.topics import Topics
from edge_caption.node.alerts.alerts import Alerts
from edge_caption.node.alive import checks
from edge_caption.node.board import Board
from edge_caption.node.budget import Budget
from edge_caption.node.camera import NodeCamera
from edge_caption.node.control import Control
from edge_caption.node.identity import node_name, outbox_path
from edge_caption.node.info import info
from edge_caption.node.node import Node, Parts
from edge_caption.node.settings import Settings
from edge_caption.node.sinks import Sink, Sinks
from edge_caption.node.status_socket import StatusSocket, socket_path
from edge_caption.node.watchdog import Watchdog
from edge_caption.outbox import Outbox
from edge_caption.records import encode

if TYPE_CHECKING:
    from edge_caption.mqtt.snapshots import Snapshots
    from edge_caption.node.update.updates import Updates
    from edge_caption.records import UpdateState

FLUSH_S = 1.0
"""How long a stop waits for the newest captions to reach the broker, and each sink; others stay on disk."""


class Restart:
    """Stops the node so that the program starts it again."""

    def __init__(self, stop: threading.Event) -> None:
        """Take what stops it."""
        self.asked = False
        self._stop = stop

    def ask(self) -> None:
        """Stop the node; for any thread."""
        self.asked = True
        self._stop.set()


def run(
    settings: Settings,
    feeds: Sequence[Feed],
    captioner: Captions,
    sinks: Iterable[Sink],
    stop: threading.Event,
    limit: int | None = None,
    steer: Callable[[Control], None] = lambda _: None,
) -> bool:
    """Caption the cameras until `stop` is set or their files are over; what is committed by then is never lost.

    Args:
        settings: where to, how often, under which names.
        feeds: where each camera's frames come from.
        captioner: makes sentences of them.
        sinks: get every record once it is on disk.
        stop: ends the node from another thread or a signal handler.
        limit: stop after so many captions.
        steer: gets what other threads may ask of the node.

    Returns:
        Whether a command asked for a restart of the program.

    Raises:
        CameraError: not one camera can be opened.
        ConfigError: the broker refused the first login, the embedded broker cannot start, or no temperature is told.
        OutboxError: the disk refuses captions, or another process uses the same state directory and node.
    """
    restart = Restart(stop)
    topics = Topics(settings.prefix, node_name(settings.node, settings.state_dir))
    with ExitStack() as stack:
        outbox, client = _connect(settings, topics, stack)
        budget = Budget(settings.budget, board := Board(disk=outbox.path.parent))
        snapshots = _snapshots(settings.mqtt, client, topics)
        running = Sinks([*sinks, *snapshots])
        stack.callback(running.close, FLUSH_S)
        parts = Parts(LiveCaptioner.of(captioner), outbox, topics, client, running, _alerts(settings), board, budget)
        node = Node(parts, settings.mqtt.health_s, limit)
        cameras = _cameras(settings, feeds, node)
        _supervise(settings, parts, node, cameras, stack)
        _subscribe(client, feeds)
        _announce(settings, parts)
        if settings.mqtt.commands:
            Commands(client, topics, node.control, snapshots, restart.ask, _take_updates(settings, parts, node, stack))
        steer(node.control)
        stack.callback(node.say_offline)
        node.run(cameras, stop)
    return restart.asked


def _cameras(settings: Settings, feeds: Sequence[Feed], node: Node) -> list[NodeCamera]:
    each, alone = zip(feeds, settings.cameras, strict=True), len(feeds) == 1
    return [NodeCamera(feed, camera, node.notify, alone=alone) for feed, camera in each]


def _stop(cameras: Sequence[NodeCamera]) -> None:
    """Stop reading; all that hang together get no more time than one."""
    until = time.monotonic() + FLUSH_S
    for camera in cameras:
        camera.watch.stop(0.0)
    for camera in cameras:
        camera.watch.stop(max(0.0, until - time.monotonic()))


def _supervise(settings: Settings, parts: Parts, node: Node, cameras: Sequence[NodeCamera], stack: ExitStack) -> None:
    """Answer `edge-caption status` and, where they are there, Prometheus and systemd; the stack ends it all."""
    stack.callback(_stop, cameras)
    stack.callback(Watchdog(checks(node, cameras, parts.client, parts.outbox)).close)
    stack.callback(StatusSocket(socket_path(parts.outbox.path), node.health).close)
    if settings.metrics:
        from edge_caption.node.metrics import Metrics

        stack.callback(Metrics(settings.metrics, node.health).close)


def _connect(settings: Settings, topics: Topics, stack: ExitStack) -> tuple[Outbox, Client]:
    """Open the outbox and the way to the broker; the stack closes them."""
    limits = settings.outbox
    outbox = Outbox(outbox_path(settings.state_dir, topics.node), limits.max_messages, limits.max_bytes)
    stack.callback(outbox.close)
    if settings.mqtt.broker.embedded:
        from edge_caption.mqtt.broker import EmbeddedBroker

        stack.callback(EmbeddedBroker(settings.mqtt.broker.port).close)
    client = Client(settings.mqtt, topics, outbox)
    stack.callback(client.stop, FLUSH_S)
    return outbox, client


def _alerts(settings: Settings) -> Alerts:
    return Alerts(settings.alerts, [camera.name for camera in settings.cameras])


def _snapshots(settings: MqttSettings, client: Client, topics: Topics) -> list[Snapshots]:
    """Return the sink for pictures where they may leave the device; what makes JPEGs is loaded only then."""
    if not settings.snapshots:
        return []
    from edge_caption.mqtt.snapshots import Snapshots

    return [Snapshots(client, topics)]


def _announce(settings: Settings, parts: Parts) -> None:
    """Say what the node is, and let Home Assistant find it, or forget it where it was to find it earlier."""
    topics, client, model = parts.topics, parts.client, parts.captioner.model
    client.retain(topics.info, encode(info(topics.node, model, settings)))
    cameras = [camera.name for camera in settings.cameras]
    alerts = {camera: parts.alerts.names(camera) for camera in cameras}
    retained = topics.retained(alerts, updates=_takes_updates(settings))
    gone = remove_leftovers(client, parts.outbox.path.with_name("retained.json"), retained)
    ours, mqtt, told = settings.home_assistant, settings.mqtt, parts.outbox.path.with_name("home-assistant.json")
    if not ours.enabled and not told.exists():
        return
    from edge_caption.mqtt.discovery import Offer, discovery
    from edge_caption.mqtt.home_assistant import HomeAssistant

    gone_alerts = {camera: topics.alerts_of(camera, gone) for camera in cameras}
    allowed = mqtt.commands, mqtt.snapshots, _takes_updates(settings)
    offer = Offer(edge_caption.__version__, model.name, cameras, *allowed, alerts, gone_alerts)
    HomeAssistant(client, ours.prefix, discovery(topics, ours.prefix, offer) if ours.enabled else {}, told)


def _takes_updates(settings: Settings) -> bool:
    """Tell whether the model can be updated: somebody's updates are taken, and this program has the model."""
    return settings.mqtt.commands and settings.update.public_key is not None and not settings.workers.send_frames


def _take_updates(settings: Settings, parts: Parts, node: Node, stack: ExitStack) -> Updates | None:
    """Take updates of the model where somebody's are taken; what checks signatures is loaded only then."""
    if not _takes_updates(settings):
        return None
    from edge_caption.node.update.boot import loader, store_of
    from edge_caption.node.update.updates import Outlets, Updates

    client, topics, live = parts.client, parts.topics, parts.captioner

    def answer(state: UpdateState) -> None:
        client.publish(Publication(topics.response("update"), encode(CommandAnswer(status="ok", data=state))))

    outlets = Outlets(
        node.tell_of_model,
        lambda state: client.retain(topics.update, encode(state)),
        answer,
        lambda: client.retain(topics.info, encode(info(topics.node, live.model, settings))),
    )
    store = store_of(settings, topics.node)
    updates = Updates(settings.update, settings.model, store, live, loader(settings.model), outlets)
    stack.callback(updates.close)
    client.subscribe(topics.chunks, updates.take)
    return updates


def _subscribe(client: Client, feeds: Iterable[Feed]) -> None:
    """Bring the pictures of cameras that publish on the broker."""
    for feed in feeds:
        if isinstance(feed, TopicFeed):
            client.subscribe(feed.topic, partial(_bring, feed))


def _bring(feed: TopicFeed, message: Received) -> None:
    # What the broker kept is of any time in the past.
    if not message.retained:
        feed.put(message.payload, time.time())
