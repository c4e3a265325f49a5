"""What must advance in a running node for systemd to be told that it is alive."""

from __future__ import annotations

from collections.abc import Sequence

from edge_caption.mqtt.client import Client
from edge_caption.node.camera import NodeCamera
from edge_caption.node.node import Node
from edge_caption.node.watchdog import Advance, Check
from edge_caption.outbox import Outbox

TURN_S = 30.0
FRAME_S = 60.0
ACKNOWLEDGED_S = 60.0
STUCK_S = 600.0


def checks(node: Node, cameras: Sequence[NodeCamera], client: Client, outbox: Outbox) -> list[Check]:
    """Return what is checked: turns of the node, frames, acknowledgements, and cameras that are not stuck.

    A camera or broker that is gone is no reason to restart: nothing is expected of it. Frames that nobody takes,
    messages without an answer and cameras that all hang in their drivers are.
    """

    def slowest_s() -> float:
        return FRAME_S + max(2 * camera.step_s + camera.no_frame_s for camera in cameras)  # commands change the steps

    def waits() -> bool:
        return client.connected and outbox.depth > outbox.rejected

    return [
        Advance("turn of the node", lambda: node.turns, lambda: True, lambda: TURN_S),
        Advance("frame", lambda: node.frames, lambda: any(camera.flows for camera in cameras), slowest_s),
        Advance("acknowledgement", lambda: client.acknowledged, waits, lambda: ACKNOWLEDGED_S),
        Advance(
            "camera that answers", lambda: 0, lambda: all(camera.watch.stuck for camera in cameras), lambda: STUCK_S
        ),
    ]
