"""How the running node does."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from itertools import chain

from edge_caption.mqtt.client import Client
from edge_caption.node.board import Board
from edge_caption.node.budget import Budget
from edge_caption.node.camera import NodeCamera
from edge_caption.node.meter import percentiles, stages
from edge_caption.outbox import Outbox
from edge_caption.records import Health, Percentiles


class Status:
    """Puts together what cameras, outbox, connection and board tell."""

    def __init__(self, node: str, outbox: Outbox, client: Client, board: Board, budget: Budget) -> None:
        """Start the clock."""
        self._node, self._outbox, self._client = node, outbox, client
        self._board, self._budget = board, budget
        self._started = time.monotonic()

    def health(self, cameras: Sequence[NodeCamera]) -> Health:
        """Return how the node does now; rates are over the last half minute."""
        meters = [camera.meter for camera in cameras]
        each = {camera.name: camera.health() for camera in cameras}
        fps = sum(camera.fps for camera in each.values())
        return Health(
            node=self._node,
            at=round(time.time(), 3),
            uptime_s=round(time.monotonic() - self._started, 1),
            fps=round(fps, 2),
            captions=sum(meter.captions for meter in meters),
            silenced=sum(meter.silenced for meter in meters),
            latency_ms=merged(meter.latency_ms for meter in meters),
            age_ms=merged(meter.age_ms for meter in meters),
            frames_dropped=sum(meter.frames_dropped for meter in meters),
            camera_reconnects=sum(camera.watch.reconnects for camera in cameras),
            broker_reconnects=self._client.reconnects,
            outbox_depth=self._outbox.depth,
            outbox_rejected=self._outbox.rejected,
            outbox_dropped=self._outbox.dropped,
            stages_ms=stages(meters),
            cpu_share_allowed=None if (share := self._budget.share) is None else round(share, 4),
            slowed_by=self._budget.slowed_by,
            cameras=each,
            **self._board.measure(fps),
        )


def merged(values: Iterable[Iterable[float]]) -> Percentiles | None:
    """Return the percentiles over several cameras' values."""
    return percentiles(chain.from_iterable(values))
