from __future__ import annotations

from edge_caption.node.meter import RECENT, Meter, percentiles
from edge_caption.node.status import merged


def test_percentiles_are_of_the_sorted_values() -> None:
    found = percentiles([float(value) for value in range(100, 0, -1)])
    assert found is not None
    assert (found.p50, found.p95, found.max) == (51.0, 96.0, 100.0)
    assert percentiles([]) is None


def test_one_value_is_every_percentile() -> None:
    found = percentiles([7.25])
    assert found is not None
    assert (found.p50, found.p95, found.max) == (7.2, 7.2, 7.2)


def test_several_cameras_are_taken_together() -> None:
    found = merged([[1.0] * 10, [], [3.0] * 30])
    assert found is not None
    assert (found.p50, found.p95, found.max) == (3.0, 3.0, 3.0)


def test_only_the_latest_captions_count_and_ages_are_not_latencies() -> None:
    meter = Meter()
    for _ in range(RECENT):
        meter.count(1000.0, 2000.0)
    for _ in range(RECENT):
        meter.count(10.0, 20.0)
    health = meter.health(online=True, reconnects=3)
    assert health.latency_ms == percentiles([10.0])
    assert health.age_ms == percentiles([20.0])
    assert (health.captions, health.reconnects, health.online) == (2 * RECENT, 3, True)
    assert meter.health(online=True, reconnects=3).fps == 0
