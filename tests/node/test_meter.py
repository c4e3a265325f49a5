from __future__ import annotations

import time

import pytest

from edge_caption.node.meter import RATE_S, RECENT, Meter, percentiles
from edge_caption.node.status import merged
from edge_caption.records import CameraState, Percentiles


@pytest.mark.parametrize(
    ("values", "median", "p95", "largest"),
    [
        ([7.25], 7.2, 7.2, 7.2),
        ([1, 2], 1, 2, 2),
        ([3, 1, 2], 2, 3, 3),
        (range(100, 0, -1), 50, 95, 100),
        (range(1, 21), 10, 19, 20),
        ([1] * 94 + [9] * 6, 1, 9, 9),
        ([1] * 95 + [9] * 5, 1, 1, 9),
    ],
)
def test_percentiles_are_by_nearest_rank(values: list[float], median: float, p95: float, largest: float) -> None:
    """The smallest value that so large a share of all values does not exceed."""
    assert percentiles(values) == Percentiles(median, p95, largest)


def test_of_nothing_there_are_no_percentiles() -> None:
    assert percentiles([]) is None


def test_several_cameras_are_taken_together() -> None:
    found = merged([[1.0] * 10, [], [3.0] * 30])
    assert found is not None
    assert (found.p50, found.p95, found.max) == (3.0, 3.0, 3.0)


def test_only_the_latest_captions_count_and_ages_are_not_latencies() -> None:
    meter = Meter()
    for _ in range(RECENT):
        meter.count(1000.0, 2000.0, {"encode": 900.0, "old": 1.0})
    for _ in range(RECENT):
        meter.count(10.0, 20.0, {"encode": 6.0, "decode": 3.0})
    health = meter.health("online", reconnects=3, held={})
    assert health.latency_ms == percentiles([10.0])
    assert health.age_ms == percentiles([20.0])
    assert health.stages_ms == {
        name: Percentiles(ms, ms, ms) for name, ms in (("encode", 6), ("old", 1), ("decode", 3))
    }
    assert (health.captions, health.reconnects, health.online) == (2 * RECENT, 3, True)


def test_the_rate_is_of_the_last_half_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    meter = Meter()
    for _ in range(90):
        now += 0.5
        meter.count(1.0, 1.0, {})
    assert meter.health("online", reconnects=0, held={}).fps == pytest.approx(2.0, abs=0.05)
    now += RATE_S
    assert meter.health("online", reconnects=0, held={}).fps == 0


@pytest.mark.parametrize("state", ["online", "offline", "disabled", "obstructed", None])
def test_the_state_is_the_one_of_the_status_topic(state: CameraState | None) -> None:
    health = Meter().health(state, reconnects=0, held={})
    assert (health.state, health.online) == (state, state == "online")
