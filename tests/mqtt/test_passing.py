"""What waits for the connection and is worth nothing later."""

from __future__ import annotations

import pytest

from edge_caption.mqtt import passing
from edge_caption.mqtt.passing import Passing
from edge_caption.mqtt.publication import Publication


def test_of_more_than_is_kept_the_oldest_go_and_that_is_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(passing, "MOST_BYTES", 3000)
    queue = Passing()
    for number in range(6):
        queue.put(Publication(f"answer/{number}", bytes(900)))
    assert [queue.take().topic for _ in range(3)] == ["answer/3", "answer/4", "answer/5"]
    queue.put(Publication("picture", bytes(10_000)))
    assert queue.take().topic == "picture"
    assert not queue
    assert caplog.text.count("the oldest on answer/0 is left out") == caplog.text.count("left out") == 1
