from __future__ import annotations

import logging
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_caption.errors import HistoryError
from edge_caption.history import store
from edge_caption.history.search import Query, search, thumbnail
from edge_caption.history.settings import HistorySettings
from edge_caption.history.store import History
from edge_caption.images.frame import Pixels
from edge_caption.model.caption import CaptionedFrame
from edge_caption.model.captioner import Captioner
from edge_caption.records import CameraEvent
from tests.history.captions import record

KEEP = HistorySettings(keep=True, min_free_bytes=0)


def kept(path: Path, words: str | None = None) -> list[str]:
    return [entry.id for entry in search([path], Query(words, limit=100_000))]


def test_captions_outlive_the_program_and_other_records_pass_by(tmp_path: Path) -> None:
    path = tmp_path / "nodes" / "pi" / "history.db"
    history = History(path, KEEP)
    history.take(record(1, "a dog", captured_at=time.time()), None)
    event = CameraEvent(id="pi:2", event_type="camera_lost", node="pi", camera="porch", captured_at=2.0, reason="a dog")
    history.take(event, None)
    assert kept(path, "dog") == ["pi:1"]  # while it is open
    history.close()
    again = History(path, KEEP)
    again.take(record(3, "a dog again", captured_at=time.time()), None)
    again.close()
    assert kept(path, "dog") == ["pi:3", "pi:1"]


def test_the_old_are_forgotten_in_table_and_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "FORGET_AT_ONCE", 3)
    path, now = tmp_path / "history.db", time.time()
    history = History(path, HistorySettings(keep=True, max_days=1, min_free_bytes=0))
    for number in range(10):
        history.take(record(number, f"dog {number}", captured_at=now - (10 - number) * 20_000), None)
    history.tidy()
    history.close()
    assert kept(path) == kept(path, "dog") == ["pi:9", "pi:8", "pi:7", "pi:6"]
    assert b"dog 3" not in path.read_bytes()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """What `time` tells: `wall` may be set, `steady` only goes on."""
    told = {"wall": time.time(), "steady": time.monotonic()}
    monkeypatch.setattr(time, "time", lambda: told["wall"])
    monkeypatch.setattr(time, "monotonic", lambda: told["steady"])
    return told


def test_a_clock_that_is_wrong_for_a_while_costs_nothing(tmp_path: Path, clock: dict[str, float]) -> None:
    path, now = tmp_path / "history.db", clock["wall"]
    settings = HistorySettings(keep=True, max_days=30, min_free_bytes=0)
    history = History(path, settings)
    history.take(record(1, "a dog", captured_at=now), None)
    clock["wall"] = now + 3650 * 86400
    history.tidy()
    history.close()
    history = History(path, settings)  # nor does it where the program starts meanwhile
    history.take(record(2, "a dog of the future", captured_at=clock["wall"]), None)
    history.tidy()
    assert kept(path) == ["pi:2", "pi:1"]
    clock["wall"], clock["steady"] = now + 7200, clock["steady"] + 7200
    history.take(record(3, "a dog", captured_at=clock["wall"]), None)
    history.tidy()
    assert kept(path) == ["pi:3", "pi:2", "pi:1"]
    # By and by all goes, what has a time that is yet to come, too.
    clock["wall"], clock["steady"] = now + 30 * 86400 + 60, clock["steady"] + 30 * 86400
    history.tidy()
    assert kept(path) == ["pi:3", "pi:2"]
    clock["wall"], clock["steady"] = now + 31 * 86400, clock["steady"] + 86400
    history.take(record(4, "a dog", captured_at=clock["wall"]), None)
    history.tidy()
    history.close()
    assert kept(path) == ["pi:4"]


def test_what_is_old_after_a_pause_goes_within_the_hour(tmp_path: Path, clock: dict[str, float]) -> None:
    path, settings = tmp_path / "history.db", HistorySettings(keep=True, max_days=30, min_free_bytes=0)
    history = History(path, settings)
    history.take(record(1, "a dog", captured_at=clock["wall"]), None)
    history.close()
    clock["wall"] += 40 * 86400
    history = History(path, settings)
    history.tidy()
    assert kept(path) == ["pi:1"]
    clock["wall"], clock["steady"] = clock["wall"] + 3700, clock["steady"] + 3700
    history.tidy()
    history.close()
    assert kept(path) == []


def test_the_oldest_go_when_the_file_grows_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "FORGET_AT_ONCE", 200)
    path, limit = tmp_path / "history.db", 200_000
    history = History(path, HistorySettings(keep=True, max_bytes=limit, min_free_bytes=0))
    for number in range(4000):
        history.take(record(number, f"dog number {number} sees a cat", captured_at=time.time()), None)
    history.tidy()
    history.close()
    assert path.stat().st_size <= limit
    found = kept(path, "dog")
    assert found == [f"pi:{number}" for number in range(3999, 3999 - len(found), -1)]
    assert len(found) > 200


def test_a_broken_file_is_moved_aside_whole_and_a_new_one_begins(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "history.db"
    broken = b"SQLite format 3\0" + bytes(range(256)) * 64
    path.write_bytes(broken)
    with caplog.at_level(logging.WARNING):
        history = History(path, KEEP)
    history.take(record(1, "a dog", captured_at=time.time()), None)
    history.close()
    (aside,) = tmp_path.glob("history-damaged-*.db")
    assert aside.read_bytes() == broken
    assert kept(path, "dog") == ["pi:1"]
    (line,) = caplog.records
    assert str(aside) in line.getMessage()


def test_a_broken_file_that_cannot_be_moved_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    path.write_bytes(bytes(range(256)) * 64)
    for second in range(30):
        moment = time.localtime(time.time() + second)
        (tmp_path / time.strftime("history-damaged-%Y-%m-%dT%H-%M-%S.db", moment)).mkdir()
    with pytest.raises(HistoryError, match=r"history.db can't be used \(Is a directory\); look at the disk"):
        History(path, KEEP)


def test_a_file_that_breaks_while_it_is_open_costs_no_caption(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    history = History(path, KEEP)
    for number in range(300):
        history.take(record(number, f"a dog {number}", captured_at=time.time()), None)
    history._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 60_000)
    history._database.execute("PRAGMA shrink_memory")
    history.take(record(300, "a dog after all", captured_at=time.time()), None)
    history.close()
    assert len(list(tmp_path.glob("history-damaged-*.db"))) == 1
    assert kept(path, "dog") == ["pi:300"]


def test_room_is_left_for_the_outbox(tmp_path: Path) -> None:
    history = History(tmp_path / "history.db", HistorySettings(keep=True, min_free_bytes=1 << 60))
    with pytest.raises(HistoryError, match=r"has less than \d+ MB left; free some space"):
        history.take(record(1, "a dog", captured_at=time.time()), None)
    history.close()
    assert kept(tmp_path / "history.db") == []


def test_a_small_picture_is_kept_only_if_asked(tmp_path: Path, picture: Pixels, tiny_captioner: Captioner) -> None:
    frame = CaptionedFrame(picture, 1.0, tiny_captioner.caption(picture))
    for asked in (False, True):
        path = tmp_path / f"{asked}.db"
        history = History(path, HistorySettings(keep=True, thumbnails=asked, thumbnail_pixels=64, min_free_bytes=0))
        assert history.wants_frames is asked
        history.take(record(1, "a square", captured_at=time.time()), frame)
        history.close()
        (entry,) = search([path], Query("square"))
        jpeg = thumbnail(path, entry.number)
        assert (jpeg is not None) is asked
        assert thumbnail(path, 99) is None
    assert jpeg is not None
    small = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert small is not None
    assert small.shape == (48, 64, 3)
    np.testing.assert_allclose(small[18, 28], (220, 40, 40), atol=12)


def test_a_small_picture_is_forgotten_with_its_caption(
    tmp_path: Path, picture: Pixels, tiny_captioner: Captioner
) -> None:
    path, frame = tmp_path / "history.db", CaptionedFrame(picture, 1.0, tiny_captioner.caption(picture))
    history = History(path, HistorySettings(keep=True, thumbnails=True, max_days=1, min_free_bytes=0))
    history.take(record(1, "a square", captured_at=time.time() - 90_000), frame)
    history.take(record(2, "a square", captured_at=time.time()), frame)
    history.tidy()
    history.close()
    assert thumbnail(path, 1) is None
    assert thumbnail(path, 2)
