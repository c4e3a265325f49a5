"""Composes a node of its parts and runs it: the one place where settings become parts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from functools import partial

from edge_caption.cameras.camera import Feed
from edge_caption.cameras.topic import TopicFeed
from edge_caption.model.live import Captions
from edge_caption.mqtt.client import Client
from edge_caption.mqtt.publication import Received
from edge_caption.mqtt.topics import Topics
from edge_caption.node.camera import NodeCamera
from edge_caption.node.control import Control
from edge_caption.node.gates.confidence import Gate
from edge_caption.node.identity import node_name, outbox_path
from edge_caption.node.node import Node, Parts
from edge_caption.node.settings import Settings
from edge_caption.node.sinks import Sink, Sinks
from edge_caption.outbox import Outbox

FLUSH_S = 1.0
"""How long a stop waits for the newest captions to reach the broker, and each sink; others stay on disk."""


def run(
    settings: Settings,
    feeds: Sequence[Feed],
    captioner: Captions,
    sinks: Iterable[Sink],
    stop: threading.Event,
    limit: int | None = None,
    steer: Callable[[Control], None] = lambda _: None,
) -> None:
    """Caption the cameras until `stop` is set or their files are over; what is committed by then is never lost.

    Args:
        settings: where to, how often, under which names.
        feeds: where each camera's frames come from.
        captioner: makes sentences of them.
        sinks: get every record once it is on disk.
        stop: ends the node from another thread or a signal handler.
        limit: stop after so many captions.
        steer: gets what other threads may ask of the node.

    Raises:
        CameraError: the only camera cannot be opened.
        ConfigError: the broker refused the first login, or the embedded broker cannot start.
        OutboxError: the disk refuses captions, or another process uses the same state directory and node.
    """
    name = node_name(settings.node, settings.state_dir)
    limits = settings.outbox
    with ExitStack() as stack:
        outbox = Outbox(outbox_path(settings.state_dir, name), limits.max_messages, limits.max_bytes)
        stack.callback(outbox.close)
        if settings.mqtt.broker.embedded:
            from edge_caption.mqtt.broker import EmbeddedBroker

            stack.callback(EmbeddedBroker(settings.mqtt.broker.port).close)
        running = Sinks(sinks)
        stack.callback(running.close, FLUSH_S)
        topics = Topics(settings.prefix, name)
        client = Client(settings.mqtt, topics, outbox)
        stack.callback(client.stop, FLUSH_S)
        parts = Parts(captioner, outbox, topics, client, running, Gate(settings.gate))
        node = Node(parts, settings.mqtt.health_s, limit)
        cameras = [NodeCamera(feed, camera, node.notify) for feed, camera in zip(feeds, settings.cameras, strict=True)]
        for camera in cameras:
            stack.callback(camera.watch.stop, FLUSH_S)
        _subscribe(client, feeds)
        steer(node.control)
        stack.callback(node.say_offline)
        node.run(cameras, stop)


def _subscribe(client: Client, feeds: Iterable[Feed]) -> None:
    """Bring the pictures of cameras that publish on the broker."""
    for feed in feeds:
        if isinstance(feed, TopicFeed):
            client.subscribe(feed.topic, partial(_bring, feed))


def _bring(feed: TopicFeed, message: Received) -> None:
    # What the broker kept is of any time in the past.
    if not message.retained:
        feed.put(message.payload, time.time())
