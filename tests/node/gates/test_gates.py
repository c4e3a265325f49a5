from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from edge_caption.errors import ConfigError
from edge_caption.images.frame import Pixels
from edge_caption.model.caption import Caption, ModelIdentity
from edge_caption.node.gates import gates as gates_file
from edge_caption.node.gates.gates import OBSTRUCTED_AFTER, Gates
from edge_caption.node.gates.schedule import Schedule
from edge_caption.node.gates.settings import GateSettings
from edge_caption.node.gates.view import View

MONDAY = datetime(2026, 11, 23)  # noqa: DTZ001 - local time, as schedules are


def says(text: str, confidence: float = 0.5) -> Caption:
    return Caption(text, (), -1.0, confidence, {}, ModelIdentity("m", "0", "fp32", "onnxruntime"))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def gates(**settings: Any) -> Gates:
    return Gates(GateSettings(**settings))


def moved(picture: Pixels) -> Pixels:
    other = picture.copy()
    other[20:140, 200:300] = (10, 200, 10)
    return other


def publish(one: Gates, picture: Pixels, text: str = "a dog") -> str | None:
    """Let a picture through all gates; return the one that holds it back."""
    regions = np.ones(4, np.float32)
    caption = says(text)
    held = (
        one.hold_frame(picture, wanted=False)
        or one.hold_view(regions, wanted=False)
        or one.hold_caption(caption, wanted=False)
    )
    if not held:
        one.note_published(caption)
    return held


def test_without_settings_all_but_blank_pictures_pass(picture: Pixels) -> None:
    one = gates()
    assert [publish(one, picture) for _ in range(3)] == [None, None, None]
    assert publish(one, np.zeros((48, 64, 3), np.uint8)) == "blank"
    assert one.held == {"blank": 1}


def test_a_camera_is_obstructed_after_some_blank_pictures_in_a_row(picture: Pixels) -> None:
    one, black = gates(), np.zeros((48, 64, 3), np.uint8)
    for number in range(1, OBSTRUCTED_AFTER + 1):
        one.hold_frame(black, wanted=False)
        assert one.obstructed == (number == OBSTRUCTED_AFTER)
    assert one.blank_reason == "it is dark"
    one.hold_frame(picture, wanted=False)
    assert not one.obstructed
    assert one.blank_reason is None


def test_a_blank_picture_is_not_captioned_for_those_who_ask_either() -> None:
    assert gates().hold_frame(np.zeros((48, 64, 3), np.uint8), wanted=True) == "blank"
    assert gates(blank=False).hold_frame(np.zeros((48, 64, 3), np.uint8), wanted=False) is None


def test_motion_is_a_change_of_the_picture_not_of_the_light(picture: Pixels) -> None:
    one = gates(motion=0.02)
    assert publish(one, picture) is None
    assert publish(one, picture) == "motion"
    brighter = np.clip(picture.astype(int) + 25, 0, 255).astype(np.uint8)
    assert publish(one, brighter) == "motion"
    assert publish(one, moved(picture)) is None
    assert publish(one, moved(picture)) == "motion"


def test_slow_motion_adds_up_until_it_is_captioned(picture: Pixels) -> None:
    one = gates(motion=0.1)
    assert publish(one, picture) is None
    steps = [picture.copy() for _ in range(8)]
    for number, step in enumerate(steps, 1):
        step[:, : 12 * number] = 255 - step[:, : 12 * number]
    assert None in [publish(one, step) for step in steps]


def test_the_decoder_runs_only_for_another_scene() -> None:
    one = gates(scene=0.2)
    near, far = np.array([1, 0.1, 0, 0], np.float32), np.array([0, 0, 1, 1], np.float32)
    first = np.array([1, 0, 0, 0], np.float32)
    assert one.hold_view(first, wanted=False) is None
    one.hold_caption(says("a dog"), wanted=False)
    assert one.hold_view(near, wanted=False) == "scene"
    assert one.hold_view(near, wanted=True) is None
    assert one.hold_view(far, wanted=False) is None
    assert one.hold_view(np.ones(7, np.float32), wanted=False) is None  # another model's regions


def test_intervals_hold_back_and_force(picture: Pixels, clock: list[float]) -> None:
    one = gates(min_interval_s=10, max_interval_s=60, motion=0.02, scene=0.2, repeat=False)
    assert publish(one, picture) is None
    clock[0] += 9
    assert publish(one, moved(picture)) == "interval"
    clock[0] += 2
    assert publish(one, moved(picture), "a cat") is not None  # the same scene
    clock[0] += 49
    assert publish(one, picture) is None  # overdue


def test_what_the_floor_holds_back_waits_for_the_longest_interval_too(picture: Pixels, clock: list[float]) -> None:
    """Otherwise the model would run for each picture of a scene that it is not sure of."""
    one = gates(max_interval_s=60, motion=0.02, min_confidence=0.9)
    assert publish(one, picture) == "confidence"
    assert publish(one, picture) == "motion"
    clock[0] += 61
    assert publish(one, picture) == "confidence"
    clock[0] += 59
    assert publish(one, picture) == "motion"


def test_a_sentence_is_repeated_after_the_longest_interval_though_others_were_not_sure(clock: list[float]) -> None:
    one = gates(max_interval_s=60, repeat=False, min_confidence=0.4)
    one.note_published(says("a dog"))
    clock[0] += 59
    assert one.hold_caption(says("a cat", 0.1), wanted=False) == "confidence"
    assert one.hold_caption(says("a dog"), wanted=False) == "repeat"
    clock[0] += 1
    assert one.hold_caption(says("a dog"), wanted=False) is None


def test_the_same_sentence_is_not_repeated(picture: Pixels) -> None:
    one = gates(repeat=False)
    assert [publish(one, picture, text) for text in ("a dog", "a dog", "a cat", "a dog")] == [
        None,
        "repeat",
        None,
        None,
    ]


def test_who_asks_gets_a_caption_whatever_the_gates_say(picture: Pixels, clock: list[float]) -> None:
    one = gates(motion=0.5, scene=0.5, repeat=False, min_confidence=1.0, min_interval_s=100, schedule=("mon",))
    one.note_published(says("a dog"))
    assert one.hold_frame(picture, wanted=True) is None
    assert one.hold_view(np.ones(4, np.float32), wanted=True) is None
    assert one.hold_caption(says("a dog", 0.1), wanted=True) is None


def test_a_floor_of_confidence() -> None:
    one = gates(min_confidence=0.4)
    assert one.hold_caption(says("a dog", 0.39), wanted=False) == "confidence"
    assert one.hold_caption(says("a dog", 0.4), wanted=False) is None


@pytest.mark.parametrize(
    ("span", "open_at", "closed_at"),
    [
        ("08:00-18:00", [(0, 8, 0), (6, 17, 59)], [(0, 7, 59), (0, 18, 0)]),
        ("mon-fri 08:00-18:00", [(0, 8, 0), (4, 12, 0)], [(5, 12, 0), (0, 0, 0)]),
        ("22:00-06:00", [(3, 23, 0), (3, 5, 59)], [(3, 6, 0), (3, 21, 59)]),
        ("fri 22:00-06:00", [(4, 22, 0), (5, 5, 0)], [(4, 5, 0), (5, 22, 0)]),
        ("sat,sun", [(5, 0, 0), (6, 23, 59)], [(0, 0, 0), (4, 23, 59)]),
        ("fri-mon", [(4, 1, 0), (0, 1, 0)], [(1, 1, 0)]),
        ("00:00-24:00", [(2, 0, 0), (2, 23, 59)], []),
    ],
)
def test_schedules(span: str, open_at: list[tuple[int, ...]], closed_at: list[tuple[int, ...]]) -> None:
    schedule = Schedule([span])
    for day, hour, minute in open_at:
        assert schedule.is_open(MONDAY + timedelta(days=day, hours=hour, minutes=minute))
    for day, hour, minute in closed_at:
        assert not schedule.is_open(MONDAY + timedelta(days=day, hours=hour, minutes=minute))


@pytest.mark.parametrize(
    ("span", "sentence"),
    [
        ("", "is not understood; write it as 'mon-fri 08:00-18:00'"),
        ("always", "is not understood"),
        ("mon 8-18", "is not understood"),
        ("xyz 08:00-18:00", "names no day"),
        ("08:00-08:00", "never opens"),
        ("24:00-00:00", "never opens"),
        ("24:00-24:00", "never opens"),
        ("08:60-09:00", "has no such time"),
        ("08:00-25:00", "has no such time"),
    ],
)
def test_a_schedule_that_cannot_be_meant_is_refused(span: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        Schedule([span])


def test_outside_the_schedule_nothing_is_captioned(picture: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    class Noon(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return MONDAY.replace(hour=12)

    monkeypatch.setattr(gates_file, "datetime", Noon)
    assert gates(schedule=("13:00-14:00",)).hold_frame(picture, wanted=False) == "schedule"
    assert gates(schedule=("13:00-14:00", "mon")).hold_frame(picture, wanted=False) is None


def test_what_a_mask_hides_is_grey_and_the_frame_itself_stays(picture: Pixels) -> None:
    before = picture.copy()
    seen = View((((0, 0), (0.5, 0), (0.5, 1), (0, 1)),), None)(picture)
    assert (seen[:, :159] == 127).all()
    assert (seen[:, 162:] == picture[:, 162:]).all()
    assert (picture == before).all()


def test_a_region_is_cut_out(picture: Pixels) -> None:
    assert View((), (0.25, 0.5, 1.0, 1.0))(picture).shape == (120, 240, 3)
    assert View((), (0.999, 0.999, 1.0, 1.0))(picture).shape == (1, 1, 3)
    assert View((), None)(picture) is picture


def test_a_single_picture_that_shows_nothing_is_a_glitch_and_three_in_a_row_are_none(picture: Pixels) -> None:
    one, dark = gates(), np.zeros((48, 64, 3), np.uint8)
    seen = []
    for shown in (picture, dark, dark, picture, dark, dark, dark, dark, picture):
        one.hold_frame(shown, wanted=False)
        seen.append(one.obstructed)
    assert seen == [False] * 6 + [True, True, False]
