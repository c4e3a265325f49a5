"""Damage that the bytes show; what is cut short is in test_photos.py."""

from __future__ import annotations

import itertools
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_caption.images.frame import Pixels
from edge_caption.images.header import HOLE, read_size
from tests.conftest import encode

OPTIMISED, PROGRESSIVE = [cv2.IMWRITE_JPEG_OPTIMIZE, 1], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]


def jpeg(pixels: Pixels, *options: int) -> bytes:
    done, data = cv2.imencode(".jpg", pixels, options)
    assert done
    return data.tobytes()


def hurt(data: bytes, *, by: bytes) -> bytes:
    """Overwrite the middle of a file."""
    middle = (len(data) - len(by)) // 2
    return data[:middle] + by + data[middle + len(by) :]


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


@pytest.mark.parametrize("zeros", [200, 4096])
def test_a_hole_of_zeros_in_a_jpeg_is_found(demo_photos: list[Path], zeros: int) -> None:
    for photo in demo_photos:
        data = photo.read_bytes()
        read_size(data)
        with pytest.raises(ValueError, match="damaged"):
            read_size(hurt(data, by=bytes(zeros)))


@pytest.mark.parametrize("options", [[], OPTIMISED, PROGRESSIVE])
def test_bytes_of_another_file_in_a_jpeg_are_found(demo_photos: list[Path], options: list[int]) -> None:
    strange = np.random.default_rng(3).bytes(4096)
    for photo in demo_photos:
        data = jpeg(cv2.imread(str(photo)), *options)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=r"damaged|cut short"):
            read_size(hurt(data, by=strange))


@pytest.mark.parametrize("options", [[], OPTIMISED, PROGRESSIVE, [*OPTIMISED, cv2.IMWRITE_JPEG_RST_INTERVAL, 3]])
def test_a_plain_jpeg_is_whole_whatever_zeros_it_holds(options: list[int]) -> None:
    plain = [0, 255, (13, 77, 201)]
    files = []
    for (side, grey), quality in itertools.product(itertools.product([1, 8, 333, 1500], plain), [5, 75, 100]):
        pixels = np.full((side, side, 3), grey, np.uint8)
        files.append(jpeg(pixels, cv2.IMWRITE_JPEG_QUALITY, quality, *options))
        assert read_size(files[-1]) == (side, side)
    assert any(HOLE in data for data in files) == (options in (OPTIMISED, PROGRESSIVE))


def test_a_jpeg_with_black_bars_is_whole(demo_photos: list[Path]) -> None:
    for photo, options in itertools.product(demo_photos, ([], OPTIMISED, PROGRESSIVE)):
        pixels = cv2.copyMakeBorder(cv2.imread(str(photo)), 400, 400, 0, 0, cv2.BORDER_CONSTANT)  # type: ignore[arg-type]
        assert read_size(jpeg(pixels, *options)) == pixels.shape[1::-1]  # type: ignore[arg-type]


def test_real_photos_are_whole(flickr8k: Path) -> None:
    for photo in sorted((flickr8k / "Flickr8k_Dataset").iterdir()):
        assert min(read_size(photo.read_bytes())) > 100


def test_one_wrong_byte_in_a_png_is_found(picture: Pixels) -> None:
    data = encode(picture, ".png")
    with pytest.raises(ValueError, match="damaged"):
        read_size(hurt(data, by=bytes([data[len(data) // 2] ^ 1])))


def test_what_follows_the_end_of_a_png_does_not_matter(picture: Pixels) -> None:
    data = encode(picture, ".png")
    assert read_size(data + bytes(512)) == (320, 240)
    with pytest.raises(ValueError, match="cut short"):
        read_size(data[:-40] + b"IEND")


def test_a_wrong_sum_of_a_comment_in_a_png_does_not_matter(picture: Pixels) -> None:
    data, comment = encode(picture, ".png"), chunk(b"tEXt", b"Comment\0a dog")
    assert read_size(data[:33] + comment[:-1] + b"?" + data[33:]) == (320, 240)
