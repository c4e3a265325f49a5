from __future__ import annotations

import os
import weakref
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_caption.commands.cli import main
from edge_caption.errors import PhotoError
from edge_caption.images.photos import list_photos
from edge_caption.model.captioner import Captioner, Photo
from edge_caption.model.encoder import Seen
from edge_caption.model.retrieval.cache import Cache
from edge_caption.model.retrieval.find import Album

COLOURS = {"red": (200, 30, 30), "yellow": (230, 210, 50), "white": (240, 240, 240)}


@pytest.fixture
def boxes(tmp_path: Path) -> Path:
    """A photo of a box in each colour, as the tiny bundle was trained on."""
    folder = tmp_path / "boxes"
    folder.mkdir()
    for name, colour in COLOURS.items():
        pixels = np.full((224, 224, 3), (20, 20, 20), np.uint8)
        pixels[60:160, 60:160] = colour
        cv2.imwrite(str(folder / f"{name}.png"), pixels[:, :, ::-1])
    return folder


def album_of(captioner: Captioner, cache: Path, photos: Path) -> tuple[Album, list[PhotoError], list[int]]:
    failed: list[PhotoError] = []
    encoded = [0]
    album = Album(captioner, Cache(cache))
    album.add(list(list_photos(photos)), failed.append, encoded.append)
    return album, failed, encoded


def test_the_photo_that_the_sentence_tells_of_comes_first(
    tmp_path: Path, boxes: Path, tiny_captioner: Captioner
) -> None:
    album, _, _ = album_of(tiny_captioner, tmp_path / "cache", boxes)
    for colour in COLOURS:
        first, *others = album.find(tiny_captioner.ask(f"a big {colour} box"))
        assert first.file.stem == colour
        assert first.score > others[0].score
        assert len(others) == len(COLOURS) - 1


def test_a_second_time_nothing_is_encoded_but_what_changed(
    tmp_path: Path, boxes: Path, tiny_captioner: Captioner
) -> None:
    first, _, encoded = album_of(tiny_captioner, tmp_path / "cache", boxes)
    assert encoded[-1] == 3
    size = (tmp_path / "cache" / "rows").stat().st_size
    again, _, encoded = album_of(tiny_captioner, tmp_path / "cache", boxes)
    assert encoded == [0]
    question = tiny_captioner.ask("a big red box")
    assert again.find(question) == first.find(question)
    (boxes / "red.png").rename(boxes / "moved.png")
    (boxes / "white.png").write_bytes((boxes / "yellow.png").read_bytes())
    os.utime(boxes / "white.png", (1, 1))
    changed, _, encoded = album_of(tiny_captioner, tmp_path / "cache", boxes)
    assert encoded[-1] == 2
    assert changed.find(question)[0].file.stem == "moved"
    assert (tmp_path / "cache" / "rows").stat().st_size == size  # the row of the photo that is gone was taken


def test_what_the_cache_keeps_is_close_to_what_was_seen(
    tmp_path: Path, demo_photos: list[Path], tiny_captioner: Captioner
) -> None:
    seen = tiny_captioner.encode(demo_photos[0]).seen
    cache = Cache(tmp_path / "cache")
    cache.put(demo_photos[0], seen)
    kept = cache.seen(demo_photos[0], seen)
    for name in ("regions", "keys"):
        exact = getattr(seen, name)
        np.testing.assert_allclose(getattr(kept, name), exact, atol=np.abs(exact).max() / 250)
    np.testing.assert_allclose(kept.state, seen.state, rtol=1e-3, atol=1e-4)


def test_what_the_list_names_is_on_the_disk_before_the_list(
    tmp_path: Path, demo_photos: list[Path], tiny_captioner: Captioner, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    sync = os.fsync

    def note(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").resolve().name)
        sync(descriptor)

    cache = Cache(tmp_path / "cache")
    cache.put(demo_photos[0], tiny_captioner.encode(demo_photos[0]).seen)
    monkeypatch.setattr(os, "fsync", note)
    cache.save()
    assert synced[:2] == ["rows", "photos.json"]


def test_a_photo_that_cannot_be_read_is_named_and_left_out(
    tmp_path: Path, boxes: Path, tiny_captioner: Captioner
) -> None:
    (boxes / "broken.png").write_bytes(b"no photo")
    album, failed, _ = album_of(tiny_captioner, tmp_path / "cache", boxes)
    assert [str(boxes / "broken.png") in str(error) for error in failed] == [True]
    assert len(album.find(tiny_captioner.ask("a box"))) == 3


def test_the_command_prints_names_and_says_what_the_model_does_not_know(
    tmp_path: Path, boxes: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    command = ["find", "a big yellow box zebra", str(boxes), "--bundle", str(tiny_bundle), "--limit", "1"]
    assert main(command) == 0
    output = capsys.readouterr()
    assert output.out.strip().endswith("yellow.png")
    assert output.err == "edge-caption: the model does not know zebra; the other words rank the photos\n"
    assert main(["find", "zebra", str(boxes), "--bundle", str(tiny_bundle)]) == 1
    assert "the model knows no word of 'zebra'" in capsys.readouterr().err


def test_captions_of_many_come_in_order(demo_photos: list[Path], tiny_captioner: Captioner) -> None:
    photos: list[Photo] = [*demo_photos, *reversed(demo_photos)] * 3
    captions = list(tiny_captioner.caption_many(photos, threads=3))
    assert [caption.text for caption in captions] == [tiny_captioner.caption(photo).text for photo in photos]
    mixed: list[Photo] = [demo_photos[0], b"no photo"]
    some = tiny_captioner.caption_many(iter(mixed), threads=1)
    assert next(some).text == captions[0].text
    with pytest.raises(PhotoError):
        next(some)


def test_what_was_seen_is_read_as_it_is_needed(tiny_bundle: Path, tmp_path: Path, demo_photos: list[Path]) -> None:
    """What was seen of 10,000 photos together would be gigabytes."""
    photos = [tmp_path / f"{number}.jpg" for number in range(60)]
    for photo in photos:
        photo.symlink_to(demo_photos[0])
    alive: list[weakref.ref[Seen]] = []
    most = 0

    class Watched(Cache):
        def seen(self, photo: Path, like: Seen) -> Seen:
            nonlocal most
            found = super().seen(photo, like)
            alive.append(weakref.ref(found))
            most = max(most, sum(each() is not None for each in alive))
            return found

    captioner = Captioner(tiny_bundle)
    album = Album(captioner, Watched(tmp_path / "cache"))
    album.add(photos, fail, lambda _: None)
    assert len(album.find(captioner.ask("a box"))) == len(alive) == 60
    assert most <= 2 * (os.cpu_count() or 1) + 2


def fail(error: Exception) -> None:
    raise error
