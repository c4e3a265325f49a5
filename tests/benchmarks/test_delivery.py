from __future__ import annotations

import pytest

from benchmarks.delivery import measure
from tests.brokers import MOSQUITTO


@pytest.mark.skipif(not MOSQUITTO, reason="Mosquitto is not installed (Debian: apt-get install mosquitto)")
def test_a_backlog_drains_in_order_and_in_bounded_memory() -> None:
    figures = measure(50, 0.001, 2000)
    publish, backlog = figures["publish"], figures["backlog"]
    assert 0 < publish["commit_ms"]["p50"] <= publish["publish_ms"]["p99"] <= publish["publish_ms"]["max"]
    assert (backlog["arrived"], backlog["in_order"]) == (2000, True)
    assert backlog["per_s"] > 100
    assert backlog["rss_growth_mb"] < 20
