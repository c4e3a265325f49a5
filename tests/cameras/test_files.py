"""Video files, folders of photos and cameras that are not there."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge_caption.cameras.camera import Camera
from edge_caption.cameras.kinds import feed_of
from edge_caption.cameras.settings import CameraSettings
from edge_caption.cameras.source import Source
from edge_caption.errors import CameraError
from edge_caption.images.frame import Pixels
from edge_caption.images.photos import read_photo
from tests.conftest import PHOTOS, encode

GREY_STEP = 4


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Two seconds at 25 frames a second, each frame brighter than the one before by GREY_STEP."""
    return write_film(tmp_path / "film.mp4", 50)


def write_film(path: Path, frames: int, codec: str = "mp4v") -> Path:
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), 25, (320, 240))
    for index in range(frames):
        writer.write(np.full((240, 320, 3), index * GREY_STEP, np.uint8))
    writer.release()
    return path


def write_panned_film(path: Path, frames: int) -> Path:
    """Write a film of a photo that moves: plain pictures get no caption."""
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), 25, (320, 240))
    scene = cv2.resize(read_photo(PHOTOS[0]), (320, 240))[..., ::-1]
    for index in range(frames):
        writer.write(np.ascontiguousarray(np.roll(scene, 4 * index, axis=1)))
    writer.release()
    return path


def opened(address: Path | str, **settings: object) -> Camera:
    camera = CameraSettings(source=Source(str(address)), **settings)  # type: ignore[arg-type]
    assert camera.source
    return feed_of(camera.source, camera).open()


def greys(camera: Camera, limit: int = 1000) -> list[int]:
    """Return the frames' numbers by their brightness."""
    seen: list[int] = []
    while len(seen) < limit and (frame := camera.read()):
        seen.append(round(frame.pixels.mean() / GREY_STEP))
    camera.close()
    return seen


def near(seen: list[int], expected: list[int]) -> bool:
    return len(seen) == len(expected) and bool(np.all(np.abs(np.subtract(seen, expected)) <= 1))


def test_a_film_gives_every_frame_when_asked_for_more_than_it_has(film: Path) -> None:
    assert near(greys(opened(film, fps=1000)), list(range(50)))


def test_a_film_gives_frames_that_are_one_step_of_its_time_apart(film: Path) -> None:
    assert near(greys(opened(film, fps=5)), list(range(0, 50, 5)))
    assert near(greys(opened(film, fps=1)), [0, 25])
    assert len(greys(opened(film, fps=10))) == 20


def test_a_film_starts_over_when_looped(film: Path) -> None:
    assert near(greys(opened(film, fps=2.5, loop=True), limit=12), [*range(0, 50, 10)] * 2 + [0, 10])


def test_a_film_may_have_any_name(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(film.parent)
    for name in ("2026-11-30T12:00:00.mp4", "concat:x.mp4", "-y %03d?.mp4"):
        Path(film.name).rename(name)
        film = Path(name)
        assert near(greys(opened(film, fps=5)), list(range(0, 50, 5)))


def test_a_frame_that_cannot_be_had_does_not_end_the_film(
    film: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing:
        def __init__(self, *arguments: Any) -> None:
            self._capture, self._frames = capture(*arguments), 0

        def retrieve(self) -> Any:
            self._frames += 1
            return self._capture.retrieve() if self._frames != 3 else (False, None)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._capture, name)

    capture = cv2.VideoCapture
    monkeypatch.setattr(cv2, "VideoCapture", Failing)
    assert near(greys(opened(film, fps=5)), [*range(0, 10, 5), *range(15, 50, 5)])
    (record,) = caplog.records
    assert re.search(r"film\.\w+ has a frame after 0\.4 s that can't be read, which is left out", record.message)


def test_colours_are_rgb(tmp_path: Path) -> None:
    red = np.zeros((60, 80, 3), np.uint8)
    red[..., 0] = 255
    (tmp_path / "red.png").write_bytes(encode(red, ".png"))
    frame = opened(tmp_path / "red.png").read()
    assert frame is not None
    assert np.array_equal(frame.pixels, red)
    writer = cv2.VideoWriter(str(tmp_path / "red.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 25, (320, 240))
    for _ in range(5):
        writer.write(np.full((240, 320, 3), (0, 0, 255), np.uint8))
    writer.release()
    camera = opened(tmp_path / "red.mp4")
    frame = camera.read()
    camera.close()
    assert frame is not None
    assert frame.pixels[..., 0].mean() > 230
    assert frame.pixels[..., 2].mean() < 25


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Three photos and one that is none."""
    folder = tmp_path / "album"
    folder.mkdir()
    for number in (3, 1, 2):
        data = encode(np.full((60, 80, 3), number * GREY_STEP, np.uint8), ".png")
        (folder / f"{number}.png").write_bytes(data)
    (folder / "2b.jpg").write_bytes(b"no photo")
    (folder / "notes.txt").write_text("no photo either")
    return folder


def test_a_folder_gives_its_photos_by_name_and_reports_a_bad_one(album: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert greys(opened(album)) == [1, 2, 3]
    assert [record.message for record in caplog.records if "2b.jpg" in record.message]


def test_a_pattern_gives_what_it_matches(album: Path) -> None:
    assert greys(opened(album / "[12].png")) == [1, 2]


def test_a_pattern_may_reach_into_folders_of_any_depth(album: Path) -> None:
    deep = album / "a" / "b"
    deep.mkdir(parents=True)
    (album / "3.png").rename(deep / "3.png")
    assert greys(opened(album / "**" / "*.png")) == [1, 2, 3]


def test_photos_of_phones_are_not_passed_over(tmp_path: Path, picture: Pixels) -> None:
    album = tmp_path / "phone"
    album.mkdir()
    pillow_heif = pytest.importorskip("pillow_heif", reason="the extra heif is not installed")
    pillow_heif.from_bytes("RGB", picture.shape[1::-1], picture.tobytes()).save(album / "IMG_0001.HEIC", quality=95)
    for source in (album, album / "IMG_0001.HEIC"):
        frame = opened(source).read()
        assert frame
        assert frame.pixels.shape == picture.shape


def test_a_folder_starts_over_when_looped(album: Path) -> None:
    assert greys(opened(album, loop=True), limit=7) == [1, 2, 3, 1, 2, 3, 1]


def test_a_folder_with_only_bad_photos_says_so_even_when_looped(tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"no photo")
    with pytest.raises(CameraError, match=r"no photo of .* can be read"):
        opened(tmp_path, loop=True).read()


def test_a_folder_is_taken_as_it_is_written_in_front_of_a_pattern(album: Path) -> None:
    bracketed = album.rename(album.with_name("album[1]"))
    assert greys(opened(bracketed / "[12].png")) == [1, 2]
    assert greys(opened(bracketed.parent / "*" / "[12].png")) == [1, 2]


def test_a_pattern_for_videos_is_told_that_it_takes_photos(film: Path) -> None:
    with pytest.raises(CameraError, match=r"no photo of .* can be read; give .* photos \(patterns take no videos\)"):
        opened(film.parent / "f*.mp4").read()


@pytest.mark.timeout(20)
def test_a_pipe_among_the_photos_is_left_out(album: Path) -> None:
    os.mkfifo(album / "0.png")
    assert greys(opened(album)) == [1, 2, 3]


def test_a_film_that_ends_early_is_reported_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = write_film(tmp_path / "film.avi", 60, "MJPG").read_bytes()
    (tmp_path / "cut.avi").write_bytes(data[: len(data) // 3])
    seen = len(greys(opened(tmp_path / "cut.avi", fps=25, loop=True), limit=50))
    assert seen == 50
    (record,) = caplog.records
    assert re.search(r"cut\.avi ended after [12]\d of about 60 frames; unless it was trimmed, copy", record.message)


def test_a_film_behind_the_end_of_another_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = write_film(tmp_path / "film.mp4", 25).read_bytes()
    (tmp_path / "joined.mp4").write_bytes(data + data)
    assert len(greys(opened(tmp_path / "joined.mp4", fps=5))) == 5
    (record,) = caplog.records
    assert re.search(r"joined\.mp4 holds another film behind the 25 frames that were seen; join", record.message)


def test_a_film_without_a_whole_frame_is_refused(tmp_path: Path) -> None:
    data = write_film(tmp_path / "film.avi", 50, "MJPG").read_bytes()
    (tmp_path / "cut.avi").write_bytes(data[: data.index(b"movi") + 4])
    with pytest.raises(CameraError, match=r"cut\.avi holds no frame that can be read; copy it again"):
        opened(tmp_path / "cut.avi").read()


@pytest.mark.parametrize("frames", [1, 2, 50])
@pytest.mark.parametrize("file", ["mp4v.mp4", "mp4v.mkv", "MJPG.avi", "MJPG.mkv", "VP80.webm", "mp2v.ts", "WMV2.wmv"])
def test_a_whole_film_is_not_reported(tmp_path: Path, file: str, frames: int, caplog: pytest.LogCaptureFixture) -> None:
    assert greys(opened(write_film(tmp_path / file, frames, file[:4]), fps=1000))
    assert not caplog.records


def write_uneven_film(path: Path, times_ms: list[int]) -> Path:
    """Write a film that claims 1,000 frames a second."""
    raw = [cv2.VIDEOWRITER_PROP_RAW_VIDEO, 1]
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"MJPG"), 1000, (320, 240), raw)
    for index, time_ms in enumerate(times_ms):
        writer.set(cv2.VIDEOWRITER_PROP_PTS, time_ms)
        writer.write(cv2.imencode(".jpg", np.full((240, 320, 3), index * GREY_STEP, np.uint8))[1])
    writer.release()
    if not cv2.VideoCapture(str(path)).grab():
        pytest.skip("this OpenCV (before 4.13) can't write a film of an uneven rate")
    return path


def test_a_film_of_an_uneven_rate_is_not_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_uneven_film(tmp_path / "uneven.mkv", [index * 33 + index % 7 * 5 for index in range(60)])
    assert len(greys(opened(path, fps=1000))) == 60
    assert not caplog.records


def test_a_film_of_an_uneven_rate_goes_by_its_own_times(tmp_path: Path) -> None:
    path = write_uneven_film(tmp_path / "uneven.mkv", [0, 400, 1000, 1500, 2100, 9000, 9100, 9200, 10000, 11000])
    assert greys(opened(path, fps=1)) == [0, 2, 4, 5, 8, 9]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("none.mp4", r"there is no video .*none\.mp4"),
        ("none/", r"there is no video .*none, and no folder either"),
        ("none.jpg", r"there is no photo .*none\.jpg"),
        ("*.jpg", r"there is no photo .*\*\.jpg"),
        ("text.mp4", r"text\.mp4 is no video that can be read"),
        ("empty.mp4", r"empty\.mp4 is no video that can be read"),
        ("folder", "holds no photo"),
    ],
)
def test_a_source_that_is_not_there_is_named(tmp_path: Path, name: str, sentence: str) -> None:
    (tmp_path / "text.mp4").write_text("no film")
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(CameraError, match=sentence):
        opened(f"{tmp_path}/{name}").read()


def test_a_camera_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(CameraError, match="there is no camera /dev/video97; present: "):
        opened("97")
    with pytest.raises(CameraError, match="there is no camera /dev/video98"):
        opened("/dev/video98")
