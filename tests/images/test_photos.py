from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_caption.errors import PhotoError
from edge_caption.images.frame import Pixels
from edge_caption.images.header import read_size
from edge_caption.images.photos import decode_photo, list_photos, read_photo
from tests.conftest import encode


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_each_format_is_read_with_its_colours(picture: Pixels, suffix: str) -> None:
    decoded = decode_photo(encode(picture, suffix), "photo")
    assert decoded.shape == picture.shape
    assert np.abs(decoded.astype(int) - picture).mean() < 6


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_a_photo_that_was_cut_short_is_refused(picture: Pixels, suffix: str, share: float) -> None:
    data = encode(picture, suffix)
    with pytest.raises(PhotoError, match="give a whole JPEG, PNG or WebP image"):
        decode_photo(data[: int(len(data) * share)], "photo")


def test_a_thumbnail_inside_does_not_hide_that_the_photo_was_cut(picture: Pixels) -> None:
    thumbnail, photo = encode(picture[:32, :32], ".jpg"), encode(picture, ".jpg")
    exif = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    data = photo[:2] + exif + photo[2:]
    assert read_size(data) == (320, 240)
    with pytest.raises(ValueError, match="cut short"):
        read_size(data[:-500])


@pytest.mark.parametrize("data", [b"", b"hello", b"\x00" * 4096, b"%PDF-1.7 ...", b"\xff\xd8\xff" + b"\x00" * 500])
def test_what_is_no_image_is_refused_in_one_sentence(data: bytes) -> None:
    with pytest.raises(PhotoError) as caught:
        decode_photo(data, "note.txt")
    assert str(caught.value).startswith("note.txt")
    assert "\n" not in str(caught.value)


def test_a_huge_photo_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(PhotoError, match="60000x60000 pixels"):
        decode_photo(png_without_pixels(60_000), "bomb.png")


@pytest.mark.parametrize("damage", ["hole.jpg", "wrong.png", "bare.png"])
def test_a_damaged_photo_gives_our_sentence_and_no_other(
    damage: str, demo_photos: list[Path], picture: Pixels, capfd: pytest.CaptureFixture[str]
) -> None:
    getattr(cv2.utils, "logging", cv2).setLogLevel(3)  # warnings
    photo, png = demo_photos[0].read_bytes(), encode(picture, ".png")
    data = {
        "hole.jpg": photo[:9000] + bytes(4096) + photo[9000 + 4096 :],
        "wrong.png": png[:400] + b"wrong" + png[405:],
        "bare.png": png_without_pixels(100),
    }
    with pytest.raises(PhotoError, match=r"can't be decoded \(damaged\); give a whole JPEG, PNG or WebP image"):
        decode_photo(data[damage], damage)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("size", "flag"),
    [
        ((640, 480), cv2.IMREAD_COLOR_BGR),
        ((1800, 1300), cv2.IMREAD_REDUCED_COLOR_2),
        ((2600, 2600), cv2.IMREAD_REDUCED_COLOR_4),
        ((5200, 5200), cv2.IMREAD_REDUCED_COLOR_8),
    ],
)
def test_red_comes_first_without_a_copy_at_every_size(picture: Pixels, size: tuple[int, int], flag: int) -> None:
    data = encode(np.asarray(cv2.resize(picture, size), np.uint8), ".jpg")
    blue_first = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), flag))
    assert np.array_equal(decode_photo(data, "photo"), blue_first[..., ::-1])


def test_a_large_jpeg_is_decoded_smaller_but_not_too_small(picture: Pixels) -> None:
    large = np.repeat(np.repeat(picture, 8, axis=0), 8, axis=1)  # 1920 x 2560
    decoded = decode_photo(encode(large, ".jpg"), "photo")
    assert decoded.shape == (960, 1280, 3)


def png_without_pixels(side: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n\0\0\0\r" + header + struct.pack(">I", zlib.crc32(header)) + b"\0\0\0\0IEND\xaeB`\x82"


@pytest.mark.timeout(20)
def test_only_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    for path in (tmp_path, tmp_path / "pipe.jpg", Path("/dev/zero")):
        with pytest.raises(PhotoError, match=f"{path} is no file; give a JPEG"):
            read_photo(path)


def test_what_can_be_no_path_is_refused() -> None:
    with pytest.raises(PhotoError, match=r"'a\\x00b' is no path \(.*embedded null .*\); check it"):
        read_photo(Path("a\0b"))


def test_missing_photos_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match=r"gone\.jpg can't be read"):
        read_photo(tmp_path / "gone.jpg")
    with pytest.raises(PhotoError, match="holds no photo"):
        list_photos(tmp_path)


def test_a_folder_lists_its_photos_by_name(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg", "c.webp", "notes.txt"):
        (tmp_path / name).touch()
    assert [file.name for file in list_photos(tmp_path)] == ["a.jpg", "b.PNG", "c.webp"]
