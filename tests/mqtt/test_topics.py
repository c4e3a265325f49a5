from __future__ import annotations

import pytest

from edge_caption.errors import ConfigError
from edge_caption.mqtt.topics import Topics, check_name


def test_topics_are_those_of_the_contract() -> None:
    topics = Topics("edge_caption", "pi")
    assert topics.status == "edge_caption/pi/status"
    assert topics.health == "edge_caption/pi/health"
    assert topics.camera_status("porch") == "edge_caption/pi/cam/porch/status"
    assert topics.caption("porch") == "edge_caption/pi/cam/porch/caption"
    assert topics.event("porch") == "edge_caption/pi/cam/porch/event"


@pytest.mark.parametrize("name", ["porch", "Küche 2", "a.b", "x" * 100])
def test_ordinary_names_pass(name: str) -> None:
    assert check_name(name, "camera") == name


@pytest.mark.parametrize(
    "name",
    ["", " ", "a/b", "a+", "#", "a\nb", "a\0", "\u200b", "\ud800", "$SYS", "..", ".a", " a", "x" * 101, "ü" * 51],
)
def test_names_that_would_break_a_topic_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"^camera "):
        check_name(name, "camera")
