from __future__ import annotations

import logging
import threading

import numpy as np
import pytest

from edge_caption.model.caption import Caption, CaptionedFrame, ModelIdentity
from edge_caption.node import sinks
from edge_caption.node.sinks import Sinks
from edge_caption.records import CameraEvent, CaptionRecord, Record

MODEL = ModelIdentity("test", "0", "fp32", "onnxruntime")


def caption(number: int) -> CaptionRecord:
    return CaptionRecord(
        id=f"pi:{number}", node="pi", camera="porch", caption="a dog", language="en", words=(), confidence=0.5,
        captured_at=1.0, age_ms=1.0, stages_ms={}, dropped_since_last=0, model=MODEL,
    )  # fmt: skip


class Keeper:
    name = "the keeper"

    def __init__(self, *, wants_frames: bool = False) -> None:
        self.wants_frames = wants_frames
        self.kept: list[tuple[Record, CaptionedFrame | None]] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def take(self, record: Record, frame: CaptionedFrame | None) -> None:
        self.may_go_on.wait(10)
        self.kept.append((record, frame))


class Broken(Keeper):
    name = "the broken one"

    def take(self, record: Record, frame: CaptionedFrame | None) -> None:
        raise ValueError("its disk is full")


FRAME = CaptionedFrame(np.zeros((4, 4, 3), np.uint8), 1.0, Caption("a dog", (), -1.0, 0.5, {}, MODEL))


def test_a_sink_gets_every_record_in_order_and_the_frame_only_where_it_asks_for_it() -> None:
    plain, with_frames = Keeper(), Keeper(wants_frames=True)
    running = Sinks([plain, with_frames])
    event = CameraEvent(id="pi:2", event_type="camera_lost", node="pi", camera="porch", captured_at=2.0, reason="gone")
    running.hand(caption(1), FRAME)
    running.hand(event)
    running.close(5)
    assert plain.kept == [(caption(1), None), (event, None)]
    assert [record for record, _ in with_frames.kept] == [caption(1), event]
    assert with_frames.kept[0][1] is FRAME


def test_a_sink_that_raises_is_named_once_and_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    keeper = Keeper()
    running = Sinks([Broken(), keeper])
    with caplog.at_level(logging.WARNING):
        for number in range(5):
            running.hand(caption(number))
        running.close(5)
    assert [record.id for record, _ in keeper.kept if isinstance(record, CaptionRecord)] == [
        f"pi:{number}" for number in range(5)
    ]
    assert [record.getMessage() for record in caplog.records] == [
        "the broken one fails (its disk is full); captions still reach the broker"
    ]


def test_a_slow_sink_misses_the_oldest_and_the_others_get_all(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    slow, quick = Keeper(), Keeper()
    slow.may_go_on.clear()
    running = Sinks([quick])
    monkeypatch.setattr(sinks, "WAITING_RECORDS", 3)
    behind = Sinks([slow])
    with caplog.at_level(logging.WARNING):
        for number in range(10):
            running.hand(caption(number))
            behind.hand(caption(number))
    slow.may_go_on.set()
    behind.close(5)
    running.close(5)
    assert len(quick.kept) == 10
    assert [record.id for record, _ in slow.kept if isinstance(record, CaptionRecord)][-3:] == ["pi:7", "pi:8", "pi:9"]
    assert len(slow.kept) < 10
    assert sum("is too slow" in record.getMessage() for record in caplog.records) == 1


def test_a_sink_that_hangs_does_not_hold_up_the_end() -> None:
    hanging = Keeper()
    hanging.may_go_on.clear()
    running = Sinks([hanging])
    running.hand(caption(1))
    closer = threading.Thread(target=running.close, args=(0.1,))
    closer.start()
    closer.join(5)
    assert not closer.is_alive()
    hanging.may_go_on.set()
