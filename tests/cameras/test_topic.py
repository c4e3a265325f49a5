"""Pictures that come as messages."""

from __future__ import annotations

import threading
import time

import pytest

from edge_caption.cameras.kinds import feed_of
from edge_caption.cameras.settings import CameraSettings
from edge_caption.cameras.source import Source
from edge_caption.cameras.topic import TopicFeed
from edge_caption.errors import CameraError, ConfigError
from tests.cameras.servers import draw_time, read_age_s
from tests.conftest import encode


def feed(**settings: float) -> TopicFeed:
    made = feed_of(Source("mqtt:yard/cam/jpeg"), CameraSettings(**settings))  # type: ignore[arg-type]
    assert isinstance(made, TopicFeed)
    return made


def test_the_newest_picture_is_taken_with_its_time_and_what_is_none_is_left_out() -> None:
    yard = feed()
    assert (yard.topic, yard.name, yard.live, yard.patient) == ("yard/cam/jpeg", "mqtt:yard/cam/jpeg", True, True)
    camera = yard.open()
    for number in (1, 2):
        yard.put(encode(draw_time(number), ".jpg"), 100.0 + number)
    frame = camera.read()
    assert frame
    assert frame.captured_at == 102
    assert read_age_s(frame.pixels, 2) == 0
    yard.put(b"no picture", 103)
    picture = encode(draw_time(4), ".png")
    threading.Timer(0.05, yard.put, [picture, 104.0]).start()
    frame = camera.read()
    assert frame
    assert frame.captured_at == 104


def test_silence_ends_the_read() -> None:
    camera = feed(no_frame_s=0.1 / 1000).open()
    began = time.monotonic()
    with pytest.raises(CameraError, match="nothing came on mqtt:yard/cam/jpeg; check what publishes there"):
        camera.read()
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("address", ["mqtt:", "mqtt://broker/cam", "mqtt:a/#/b", "mqtt:a/b+"])
def test_what_is_no_topic_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match="the source's topic is"):
        Source(address)


@pytest.mark.parametrize("address", ["mqtt:a", "mqtt:/a/+/b", "mqtt:a/#"])
def test_topics_with_wildcards_are_taken(address: str) -> None:
    assert str(Source(address)) == address
