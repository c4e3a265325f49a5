from __future__ import annotations

import json
import time
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from edge_caption.images.frame import Pixels
from edge_caption.model.caption import CaptionedFrame
from edge_caption.model.captioner import Captioner
from edge_caption.mqtt.discovery import EVENT_TYPES
from edge_caption.records import CameraEvent
from edge_caption.web.view import View
from tests.conftest import ROOT
from tests.history.captions import record


def event(event_type: str, reason: str) -> CameraEvent:
    return CameraEvent(id="pi:1", event_type=event_type, node="pi", camera="porch", captured_at=1.0, reason=reason)


def card(view: View) -> Any:
    (told,) = [told for told in view.beginning() if told.startswith(b"event: cameras")]
    return json.loads(told.partition(b"data: ")[2])["porch"]


def test_what_is_wrong_with_a_camera_is_told_until_it_is_right() -> None:
    view, camera = View(), SimpleNamespace(enabled=True, state="offline", masks=(), region=None)
    view.steer(SimpleNamespace(cameras={"porch": camera}))
    assert card(view)["reason"] is None
    view.take(event("camera_lost", "it is unplugged"), None)
    view.take(event("update_done", "home-7 captions"), None)
    assert card(view)["reason"] == "it is unplugged"
    camera.state = "online"
    assert card(view)["reason"] is None


def test_who_begins_to_look_is_told_how_old_a_caption_is_by_now(
    tiny_captioner: Captioner, picture: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A paused camera's may be hours old."""
    view = View()
    frame = CaptionedFrame(picture, 1.0, tiny_captioner.caption(picture))
    view.take(msgspec.structs.replace(record(1, frame.caption.text), age_ms=20.0), frame)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 3600)
    (told,) = [told for told in view.beginning() if told.startswith(b"event: caption")]
    assert json.loads(told.partition(b"data: ")[2])["age_ms"] == pytest.approx(3_600_020, abs=2000)


def test_every_event_has_a_name_on_the_page() -> None:
    texts = (ROOT / "edge_caption" / "web" / "static" / "texts.js").read_text("utf-8")
    for event_type in set(EVENT_TYPES) - {"caption", "alert"}:
        assert texts.count(f'{event_type}: "') == 2, event_type
