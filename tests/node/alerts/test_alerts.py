from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge_caption.config import load
from edge_caption.errors import ConfigError
from edge_caption.images.frame import Pixels
from edge_caption.model.caption import Caption, ModelIdentity
from edge_caption.model.captioner import Captioner
from edge_caption.node.alerts.alerts import Alerts
from edge_caption.node.alerts.settings import AlertSettings
from edge_caption.records import AlertRecord
from tests.brokers import Listener, Mosquitto, listener, mosquitto, retained, wait_for
from tests.conftest import encode
from tests.node.test_node import run, settings_for

__all__ = ["listener", "mosquitto"]

MAN = Caption("a man at a fence", (), -1.0, 0.6, {}, ModelIdentity("m", "0", "f", "b"))
DOG = replace(MAN, text="a dog on a mat")


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr("edge_caption.node.alerts.alerts.time.monotonic", lambda: self.now)


def names(alerts: Alerts, camera: str, caption: Caption) -> list[str]:
    return [alert.name for alert in alerts.raised(camera, caption)]


def test_an_alert_is_raised_once_and_again_after_it_went_off(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    alerts = Alerts([AlertSettings(name="visitor", words="a person", off_after_s=10)], ["porch"])
    assert names(alerts, "porch", DOG) == []
    assert names(alerts, "porch", MAN) == ["visitor"]
    assert names(alerts, "porch", MAN) == []
    clock.now += 9
    alerts.keep("porch", MAN)  # a gate held this one back
    alerts.keep("porch", DOG)
    clock.now += 9
    assert alerts.lowered() == []
    clock.now += 1
    assert [alert.name for alert in alerts.lowered()] == ["visitor"]
    assert alerts.lowered() == []
    alerts.keep("porch", MAN)
    assert alerts.lowered() == []
    assert names(alerts, "porch", MAN) == ["visitor"]


def test_alerts_are_for_their_cameras_their_words_and_their_confidence() -> None:
    settings = [
        AlertSettings(name="dog", words=("cat", "dog"), cameras=("yard",)),
        AlertSettings(name="anyone", words="person"),
        AlertSettings(name="surely", words="person", min_confidence=0.7),
    ]
    alerts = Alerts(settings, ["porch", "yard"])
    assert alerts.names("porch") == ("anyone", "surely")
    assert names(alerts, "porch", DOG) == []
    assert names(alerts, "yard", DOG) == ["dog"]
    assert names(alerts, "yard", MAN) == ["anyone"]
    assert names(alerts, "porch", MAN) == ["anyone"]
    assert names(alerts, "porch", replace(MAN, confidence=0.8)) == ["surely"]


def test_an_alert_is_an_event_on_the_broker_and_a_state(
    tmp_path: Path, picture: Pixels, mosquitto: Mosquitto, listener: Listener, tiny_captioner: Captioner
) -> None:
    album = tmp_path / "album"
    album.mkdir()
    for number in range(3):
        (album / f"{number}.png").write_bytes(encode(np.roll(picture, number * 40, axis=1), ".png"))
    settings = settings_for(tmp_path, album, mosquitto.url)
    alerts = (AlertSettings(name="box", words="a box"), AlertSettings(name="zebra", words="zebra"))
    (first, *_) = run(msgspec.structs.replace(settings, alerts=alerts), tiny_captioner, threading.Event())
    events = wait_for(lambda: (found := listener.payloads("/event")) and len(found) == 4 and found)
    raised = msgspec.json.decode(events[1], type=AlertRecord)
    assert (raised.id, raised.alert, raised.caption, raised.caption_id) == ("pi:2", "box", first.caption, first.id)
    topic = "edge_caption/pi/cam/porch/alert"
    assert retained(mosquitto.port, f"{topic}/#") == {f"{topic}/box": b"ON", f"{topic}/zebra": b"OFF"}


@pytest.mark.parametrize(
    ("alerts", "said"),
    [
        ([{"name": "a"}], "missing required field `words`"),
        ([{"name": "a", "words": "the"}], "tell of nothing"),
        ([{"name": "a", "words": []}], "the alert a has no words"),
        ([{"name": "a/b", "words": "dog"}], "alerts.name"),
        ([{"name": "a", "words": "dog"}, {"name": "a", "words": "cat"}], "two alerts are named a"),
        ([{"name": "a", "words": "dog", "cameras": ["yard"]}], "is for yard, which is no camera"),
        ([{"name": "a", "words": "dog", "of_after_s": 3}], "did you mean off_after_s"),
    ],
)
def test_what_is_wrong_with_an_alert_is_said(alerts: list[dict[str, object]], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load(None, {"alerts": alerts}, {})
