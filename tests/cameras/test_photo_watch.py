"""Folders into which photos come."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edge_caption.cameras import photo_watch
from edge_caption.cameras.camera import Camera
from edge_caption.errors import CameraError
from tests.cameras.test_files import GREY_STEP, album, opened
from tests.conftest import encode

__all__ = ["album"]


def photo(number: int) -> bytes:
    return encode(np.full((60, 80, 3), number * GREY_STEP, np.uint8), ".png")


def see(camera: Camera) -> int:
    frame = camera.read()
    assert frame
    return round(float(frame.pixels.mean()) / GREY_STEP)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("pattern", ["", "*.png"])
def test_photos_that_come_are_given_once_and_in_order(album: Path, pattern: str) -> None:
    camera = opened(album / pattern, watch=True)
    for number in (9, 8, 7):  # by time, not by name
        (album / f"{number}.png").write_bytes(photo(number))
        time.sleep(0.01)
    assert [see(camera) for _ in range(3)] == [9, 8, 7]
    (album / "notes.md").write_text("no photo")
    (album / "1.png").write_bytes(photo(5))
    assert see(camera) == 5


@pytest.mark.timeout(30)
def test_a_photo_that_is_still_written_is_waited_for(album: Path, caplog: pytest.LogCaptureFixture) -> None:
    camera = opened(album, watch=True)
    data = photo(6)

    def write() -> None:
        with (album / "slow.png").open("wb", buffering=0) as file:
            for start in range(0, len(data), 30):
                file.write(data[start : start + 30])
                time.sleep(0.1)

    writer = threading.Thread(target=write)
    writer.start()
    assert see(camera) == 6
    writer.join()
    assert not caplog.records


@pytest.mark.timeout(60)
def test_of_many_photos_at_once_none_is_lost(album: Path) -> None:
    camera = opened(album, watch=True)

    def write() -> None:
        for number in range(300):
            (album / f"new{number}.png").write_bytes(photo(number % 60))
            time.sleep(number % 7 / 1000)

    writer = threading.Thread(target=write)
    writer.start()
    assert sorted(see(camera) for _ in range(300)) == sorted(number % 60 for number in range(300))
    writer.join()


@pytest.mark.timeout(30)
def test_a_photo_that_is_moved_in_is_new_however_old_it_is(album: Path, tmp_path: Path) -> None:
    (tmp_path / "old.png").write_bytes(photo(7))
    camera = opened(album, watch=True)
    (tmp_path / "old.png").rename(album / "old.png")
    assert see(camera) == 7


@pytest.mark.timeout(30)
def test_a_clock_that_was_set_back_hides_no_photo(album: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stat = Path.stat

    def ahead(path: Path, **options: bool) -> Any:
        """As if the clock had been an hour ahead until the file `3.png` and `5.png` came."""
        found = stat(path, **options)
        if path.name not in ("3.png", "5.png"):
            return found
        return SimpleNamespace(
            st_ctime_ns=found.st_ctime_ns + 3600 * 10**9, st_size=found.st_size, st_mode=found.st_mode
        )

    monkeypatch.setattr(Path, "stat", ahead)
    camera = opened(album, watch=True)
    (album / "4.png").write_bytes(photo(4))
    assert see(camera) == 4
    (album / "5.png").write_bytes(photo(5))
    assert see(camera) == 5
    (album / "6.png").write_bytes(photo(6))
    assert see(camera) == 6


@pytest.mark.timeout(30)
def test_photos_of_a_disk_that_was_away_are_old_when_it_is_back(album: Path, tmp_path: Path) -> None:
    camera = opened(album, watch=True)
    away = album.rename(tmp_path / "away")
    album.mkdir()
    time.sleep(0.6)
    album.rmdir()
    away.rename(album)
    (album / "9.png").write_bytes(photo(9))
    assert see(camera) == 9
    (album / "8.png").write_bytes(photo(8))
    assert see(camera) == 8


def test_photos_that_are_gone_are_forgotten_in_the_end(album: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_watch, "KEPT", 0)
    camera = opened(album, watch=True)
    assert isinstance(camera, photo_watch.PhotoWatch)
    for number in range(10, 20):
        (album / f"{number}.png").write_bytes(photo(number))
        assert see(camera) == number
        (album / f"{number}.png").unlink()
    assert len(camera._old) <= 10


@pytest.mark.timeout(30)
def test_what_is_no_photo_is_reported_and_the_next_comes(album: Path, caplog: pytest.LogCaptureFixture) -> None:
    camera = opened(album, watch=True)
    (album / "bad.jpg").write_bytes(b"no photo")
    (album / "good.png").write_bytes(photo(6))
    assert see(camera) == 6
    assert [record for record in caplog.records if "bad.jpg" in record.message]


def test_the_folder_must_be_there_and_may_be_empty(tmp_path: Path) -> None:
    opened(tmp_path, watch=True).close()
    with pytest.raises(CameraError, match=r"there is no folder .*/none to watch; make it first"):
        opened(tmp_path / "none" / "*.jpg", watch=True)


@pytest.mark.timeout(30)
def test_while_others_come_a_photo_that_is_still_written_is_waited_for(
    album: Path, caplog: pytest.LogCaptureFixture
) -> None:
    camera = opened(album, watch=True)
    data = photo(59)

    def write_slowly() -> None:
        with (album / "slow.png").open("wb", buffering=0) as file:
            for piece in range(40):
                time.sleep(0.05)
                file.write(data[len(data) * piece // 40 : len(data) * (piece + 1) // 40])

    def write_others() -> None:
        for number in range(59):
            (album / f"{number}.png").write_bytes(photo(number))
            time.sleep(0.03)

    writers = [threading.Thread(target=write) for write in (write_slowly, write_others)]
    for writer in writers:
        writer.start()
    assert sorted(see(camera) for _ in range(60)) == [*range(60)]
    for writer in writers:
        writer.join()
    assert not caplog.records
