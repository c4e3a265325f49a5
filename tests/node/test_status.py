"""What health says comes from where it should."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from edge_caption.node.board import Board
from edge_caption.node.budget import Budget
from edge_caption.node.meter import Meter
from edge_caption.node.settings import BudgetSettings
from edge_caption.node.status import Status
from edge_caption.outbox import Outbox
from edge_caption.records import Percentiles


def camera(name: str, latencies_ms: list[float], dropped: int, reconnects: int) -> Any:
    meter = Meter()
    for latency_ms in latencies_ms:
        meter.count(latency_ms, age_ms=10 * latency_ms, stages_ms={"encode": latency_ms / 2})
    meter.frames_dropped, meter.silenced = dropped, dropped + 1
    return SimpleNamespace(
        name=name,
        meter=meter,
        watch=SimpleNamespace(reconnects=reconnects),
        health=lambda: meter.health("online", reconnects=reconnects, held={}),
    )


def test_health_adds_up_the_cameras_and_tells_of_outbox_broker_and_budget(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db", max_messages=3)
    try:
        for _ in range(5):
            outbox.commit("cam/porch/event", lambda sequence: b"%d" % sequence)
        outbox.reject(5, "a test")
        board = Board(tmp_path)
        budget = Budget(BudgetSettings(cpu_share=0.5), board)
        status = Status("pi", outbox, cast("Any", SimpleNamespace(reconnects=7)), board, budget)
        health = status.health([camera("porch", [1, 2, 3], 4, 5), camera("hall", [100], 6, 0)])
    finally:
        outbox.close()
    assert (health.node, health.captions, health.frames_dropped, health.silenced) == ("pi", 4, 10, 12)
    assert (health.broker_reconnects, health.camera_reconnects) == (7, 5)
    assert (health.outbox_depth, health.outbox_rejected, health.outbox_dropped) == (3, 1, 2)
    assert health.latency_ms == Percentiles(2, 100, 100)
    assert health.age_ms == Percentiles(20, 1000, 1000)
    assert health.stages_ms == {"encode": Percentiles(1, 50, 50)}
    assert health.cameras["porch"].stages_ms == {"encode": Percentiles(1, 1.5, 1.5)}
    assert health.cameras["porch"].latency_ms == Percentiles(2, 3, 3)
    assert health.cameras["hall"].frames_dropped == 6
    assert (health.cpu_share_allowed, health.slowed_by) == (0.5, None)
    assert health.fps == sum(each.fps for each in health.cameras.values()) > 0
