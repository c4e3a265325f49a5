"""The nodes on a broker and what they said last; repeated records are dropped, missing ones counted.

What comes is other programs' text: it is escaped here, and of a limited number and length.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from edge_caption.mqtt.publication import Received
from edge_caption.text import printable

MOST_NODES = 1000
"""That are kept; messages of others are counted and left out."""

MOST_CAMERAS = 4000
"""The same, of all nodes together."""

LONGEST = 500
"""Characters of a text that is shown, and of a name."""

ANEW_S = 60.0
"""A smaller number on a picture so much newer is no repetition: the node's state was deleted, and it counts anew."""

LARGEST = 1_000_000
"""Bytes of a message that is read."""

LARGEST_NUMBER = 2**63 - 1
"""Of a record, as the outbox counts them."""


class Event(msgspec.Struct):
    """What is read of a record; all else is ignored."""

    id: str = ""
    event_type: str = "caption"
    captured_at: float = 0.0
    caption: str | None = None
    confidence: float | None = None
    reason: str | None = None
    alert: str | None = None
    language: str | None = None

    @property
    def said(self) -> str:
        """The sentence to show."""
        if self.event_type == "alert":
            return shown(f"{self.alert}: {self.caption}")
        sure = f" ({self.confidence:.0%})" if self.confidence is not None and self.caption else ""
        return shown(self.caption or self.reason or "") + sure


class Figures(msgspec.Struct):
    """What is read of a node's health."""

    fps: float | None = None
    outbox_depth: int | None = None
    outbox_dropped: int | None = None
    temperature_c: float | None = None
    throttled: bool | None = None
    rss_mb: float | None = None


@dataclass
class CameraView:
    """What a camera showed last."""

    state: str = ""
    last: Event = field(default_factory=Event)


@dataclass
class NodeView:
    """What a node said last."""

    state: str = ""
    cameras: dict[str, CameraView] = field(default_factory=dict)
    health: Figures = field(default_factory=Figures)
    sequence: int | None = None
    captured_at: float = 0.0
    """Of the record with that sequence."""
    missing: int = 0
    repeated: int = 0


class Fleet:
    """All nodes below a prefix. For one thread."""

    def __init__(self, prefix: str) -> None:
        """Begin with none."""
        self.nodes: dict[str, NodeView] = {}
        self.cameras = 0
        """Of all nodes."""
        self.left_out = 0
        """Messages of nodes and cameras beyond the most that are kept."""
        self.unread = 0
        """Messages that are none of ours."""
        self._prefix = prefix

    @property
    def filters(self) -> tuple[str, ...]:
        """What to subscribe to."""
        node = f"{self._prefix}/+"
        camera = f"{node}/cam/+"
        return (f"{node}/status", f"{node}/health", f"{camera}/status", f"{camera}/caption", f"{camera}/event")

    def take(self, message: Received) -> list[str]:
        """Learn from a message; return lines that tell what is new."""
        levels = message.topic.removeprefix(f"{self._prefix}/").split("/")
        if len(message.payload) > LARGEST:
            self.unread += 1
            return []
        if not (node := self._node(levels[0])):
            return self._leave_out()
        name = shown(levels[0])
        try:
            match levels[1:]:
                case ["status"]:
                    return _take_state(node, name, message.payload)
                case ["health"]:
                    node.health = msgspec.json.decode(message.payload, type=Figures)
                case ["cam", camera, kind]:
                    if not (view := self._camera(node, camera)):
                        return self._leave_out()
                    return _take_camera(node, view, f"{name}/{shown(camera)}", kind, message)
        except (msgspec.DecodeError, ValueError, RecursionError):
            self.unread += 1
        return []

    def _node(self, name: str) -> NodeView | None:
        if name not in self.nodes:
            if len(self.nodes) >= MOST_NODES or len(name) > LONGEST:
                return None
            self.nodes[name] = NodeView()
        return self.nodes[name]

    def _camera(self, node: NodeView, name: str) -> CameraView | None:
        if name not in node.cameras:
            if self.cameras >= MOST_CAMERAS or len(name) > LONGEST:
                return None
            self.cameras += 1
            node.cameras[name] = CameraView()
        return node.cameras[name]

    def _leave_out(self) -> list[str]:
        """Count a message, and say so at the first."""
        self.left_out += 1
        many = f"{MOST_NODES:,} nodes or {MOST_CAMERAS:,} cameras"
        return [f"there are more than {many}; the others are left out"] if self.left_out == 1 else []


def shown(text: str) -> str:
    """Return text that no terminal obeys, cut where it is too long."""
    return printable(text[:LONGEST])


def _take_state(view: NodeView | CameraView, name: str, payload: bytes) -> list[str]:
    if not payload:  # from `edge-caption doctor mqtt`, or the end of what was retained
        return []
    state = shown(payload.decode()[:LONGEST])
    changed, view.state = view.state != state, state
    return [f"{name} is {state}"] if changed else []


def _take_camera(node: NodeView, view: CameraView, name: str, kind: str, message: Received) -> list[str]:
    if kind == "status":
        return _take_state(view, name, message.payload)
    event = msgspec.json.decode(message.payload, type=Event)
    lines = _count(node, name, event) if kind == "event" else []
    if lines is None:
        return []
    if event.captured_at >= view.last.captured_at:
        view.last = _cut(event)
    return [*lines, f"{name} {shown(event.event_type)}: {event.said}"] if kind == "event" else []


def _cut(event: Event) -> Event:
    """Return what is kept of an event: nobody fills the memory with long texts."""
    texts = {name: text[:LONGEST] for name, text in msgspec.structs.asdict(event).items() if isinstance(text, str)}
    return msgspec.structs.replace(event, **texts)


def _count(node: NodeView, name: str, event: Event) -> list[str] | None:
    """Return what is missing before an event as lines, or None where it came before."""
    number = int(event.id.rpartition(":")[2])
    if not 0 <= number <= LARGEST_NUMBER:
        raise ValueError("no number of a record")
    last = node.sequence
    if last is not None and number <= last and event.captured_at < node.captured_at + ANEW_S:
        node.repeated += 1
        return None
    node.sequence, node.captured_at = number, event.captured_at
    if last is None or number <= last + 1:
        return []
    node.missing += number - last - 1
    return [f"{name.partition('/')[0]}: {number - last - 1} events are missing"]
