from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks.faults.command import measure
from benchmarks.faults.proxy import Acknowledged, Packets

PUBLISH = bytes([0x32, 22, 0, 3]) + b"a/b" + bytes([0, 7, 0]) + b'{"id":"pi:12"}'


def test_a_stream_is_cut_into_packets_wherever_it_is_broken() -> None:
    long = bytes([0x30, 0xAC, 0x02]) + bytes(300)
    stream = PUBLISH + long + PUBLISH
    for size in (1, 2, 7, 1000):
        packets = Packets()
        pieces = [stream[place : place + size] for place in range(0, len(stream), size)]
        assert [packet for piece in pieces for packet in packets.feed(piece)] == [PUBLISH, long, PUBLISH]


def test_a_caption_counts_when_the_broker_acknowledged_that_very_message() -> None:
    found = Acknowledged()
    first = found.watch()
    first.out(PUBLISH)
    first.back(bytes([0x40, 2, 0, 8]))
    assert found.sequences == set()
    # Another connection begins its numbers anew.
    found.watch().back(bytes([0x40, 2, 0, 7]))
    assert found.sequences == set()
    first.back(bytes([0x40, 2, 0, 7]))
    assert found.sequences == {12}


def test_a_refusal_is_no_acknowledgement() -> None:
    found = Acknowledged()
    talk = found.watch()
    talk.out(PUBLISH)
    talk.back(bytes([0x40, 4, 0, 7, 0x87, 0]))
    assert found.sequences == set()


@pytest.mark.skipif(
    not (shutil.which("mosquitto") or Path("/usr/sbin/mosquitto").exists()), reason="mosquitto is not installed"
)
def test_some_schedules_lose_nothing() -> None:
    found = measure(schedules=4, seed=1)
    assert (found["lost"], found["left_in_the_outbox"], found["tracebacks"]) == (0, 0, 0)
    assert found["captions_promised"] > 100
    assert sum(found["faults"].values()) >= 4
