from __future__ import annotations

import contextlib
import os
import subprocess
import sys
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
from edge_caption.model.retrieval.cache import Cache, state_of
from edge_caption.model.retrieval.find import Album
from tests.conftest import ROOT

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
    cache.put(demo_photos[0], state_of(demo_photos[0]), seen)
    kept = cache.seen(demo_photos[0], seen)
    assert kept
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
    cache.put(demo_photos[0], state_of(demo_photos[0]), tiny_captioner.encode(demo_photos[0]).seen)
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


def test_rows_that_another_process_wrote_are_not_taken_for_others(
    tmp_path: Path, boxes: Path, tiny_captioner: Captioner
) -> None:
    """Two programs with the same rows, and a folder that changed between them."""
    question = tiny_captioner.ask("a big red box")
    exact = {
        found.file.name: found.score for found in album_of(tiny_captioner, tmp_path / "cache", boxes)[0].find(question)
    }
    begun, _, _ = album_of(tiny_captioner, tmp_path / "cache", boxes)
    (boxes / "red.png").rename(tmp_path / "red.png")
    (boxes / "white.png").rename(boxes / "new.png")
    album_of(tiny_captioner, tmp_path / "cache", boxes)
    (tmp_path / "red.png").rename(boxes / "red.png")
    (boxes / "new.png").rename(boxes / "white.png")
    found = {found.file.name: found.score for found in begun.find(question)}
    assert found == pytest.approx(exact, abs=0.05)
    assert max(found, key=lambda name: found[name]) == "red.png"


@pytest.mark.parametrize("spoil", ["gone", "short", "other"])
def test_rows_that_are_spoilt_are_made_again(
    tmp_path: Path, boxes: Path, tiny_captioner: Captioner, spoil: str
) -> None:
    question = tiny_captioner.ask("a big red box")
    exact = album_of(tiny_captioner, tmp_path / "cache", boxes)[0].find(question)
    rows = tmp_path / "cache" / "rows"
    data = rows.read_bytes()
    row = len(data) // 3
    rows.write_bytes({"gone": b"", "short": data[: row + 100], "other": data[row:] + data[:row]}[spoil])
    spoilt = album_of(tiny_captioner, tmp_path / "cache", boxes)[0].find(question)
    assert [found.file for found in spoilt] == [found.file for found in exact]
    assert [found.score for found in spoilt] == pytest.approx([found.score for found in exact], abs=0.05)
    again, _, encoded = album_of(tiny_captioner, tmp_path / "cache", boxes)
    assert encoded[-1] == (2 if spoil == "short" else 3)
    assert again.find(question) == exact


def test_options_that_steer_no_question_are_refused(boxes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("--beam", "--specific", "--sure"):
        with pytest.raises(SystemExit):
            main(["find", "a box", str(boxes), option, "1"])
        assert f"unrecognized arguments: {option} 1" in capsys.readouterr().err


def test_a_photo_that_goes_while_its_row_is_spoilt_is_named(
    tmp_path: Path, boxes: Path, tiny_captioner: Captioner
) -> None:
    album, failed, _ = album_of(tiny_captioner, tmp_path / "cache", boxes)
    (tmp_path / "cache" / "rows").write_bytes(b"")
    (boxes / "red.png").unlink()
    assert album.find(tiny_captioner.ask("a big yellow box"))[0].file.stem == "yellow"
    assert [str(boxes / "red.png") in str(error) for error in failed] == [True]


def test_a_second_one_waits_for_the_first_and_sees_nothing_again(
    tmp_path: Path, boxes: Path, tiny_bundle: Path, tiny_captioner: Captioner
) -> None:
    kept = tmp_path / "cache"
    command = [sys.executable, "-m", "edge_caption", "find", "a red box", str(boxes), "--bundle", str(tiny_bundle)]
    environment = os.environ | {"XDG_CACHE_HOME": str(kept)}
    subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)
    (folder,) = (kept / "edge-caption" / "find").iterdir()
    (folder / "photos.json").unlink()
    cache = Cache(folder)
    with contextlib.ExitStack() as until:
        with cache.alone(lambda: None):
            other = until.enter_context(
                subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
            )
            assert other.stderr
            assert "another find looks at these photos; this one waits for it" in other.stderr.readline()
            for photo in list_photos(boxes):
                cache.put(photo, state_of(photo), tiny_captioner.encode(photo).seen)
            cache.save()
            written = (folder / "rows").stat().st_mtime_ns
        assert other.wait(60) == 0
    assert (folder / "rows").stat().st_mtime_ns == written


def test_any_name_and_any_way_to_say_the_folder(
    tmp_path: Path, boxes: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (boxes / "red.png").rename(boxes / os.fsdecode(b"\xff\n%ff.png"))
    for folder in (str(boxes), ".", f"../{boxes.name}"):
        monkeypatch.chdir(boxes)
        assert main(["find", "a big red box", folder, "--bundle", str(tiny_bundle), "--limit", "1", "--json"]) == 0
        assert "%ff.png" in capsys.readouterr().out
    (rows,) = (tmp_path / "cache").rglob("rows")
    written = rows.stat().st_mtime_ns
    assert main(["find", "a red box", "..//boxes", "--bundle", str(tiny_bundle)]) == 0
    assert rows.stat().st_mtime_ns == written


def test_a_cache_that_can_not_be_kept_is_one_sentence(
    tmp_path: Path, boxes: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cache").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert main(["find", "a red box", str(boxes), "--bundle", str(tiny_bundle)]) == 1
    said = capsys.readouterr().err
    assert "can't be kept in" in said
    assert "set XDG_CACHE_HOME to another folder" in said
    assert said.count("\n") == 1


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
        def seen(self, photo: Path, like: Seen) -> Seen | None:
            nonlocal most
            found = super().seen(photo, like)
            assert found
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
