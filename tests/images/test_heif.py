from __future__ import annotations

import io
import sys

import numpy as np
import pytest
from PIL import Image

from edge_caption.errors import PhotoError
from edge_caption.images.frame import Pixels
from edge_caption.images.photos import decode_photo

pillow_heif = pytest.importorskip("pillow_heif")
pillow_heif.register_heif_opener()


def heif(pixels: Pixels, kind: str, **options: object) -> bytes:
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, kind, **options)
    return target.getvalue()


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_phones_photos_are_read_upright(picture: Pixels, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    # pillow-heif turns the pixels when it writes, Pillow's AVIF leaves that to who reads.
    expected = np.rot90(picture, -1) if kind == "AVIF" else picture
    pixels = decode_photo(heif(picture, kind, quality=95, exif=exif), "photo.heic")
    assert pixels.shape == expected.shape
    assert np.abs(pixels.astype(int) - expected).mean() < 6


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_what_is_erased_is_not_seen(picture: Pixels, kind: str) -> None:
    alpha = np.full((240, 320, 1), 255, np.uint8)
    alpha[:, 160:] = 0
    pixels = decode_photo(heif(np.dstack([picture, alpha]), kind, quality=95), "photo.heic")
    assert pixels[:, 180:].min() > 240
    with pytest.raises(PhotoError, match="shows nothing"):
        decode_photo(heif(np.dstack([picture, alpha * 0]), kind, quality=95), "photo.heic")


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_a_damaged_one_is_a_sentence(picture: Pixels, kind: str) -> None:
    data = heif(picture, kind)
    for share in (0.01, 0.1, 0.5):
        with pytest.raises(PhotoError, match=r"^photo\.heic can't be decoded"):
            decode_photo(data[: max(int(len(data) * share), 12)], "photo.heic")


def test_without_the_extra_it_is_named(picture: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    data = heif(picture, "HEIF")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(
        PhotoError, match=r"photo\.heic is a HEIC or AVIF photo; to read it, pip install 'edge-caption\[heif\]'"
    ):
        decode_photo(data, "photo.heic")
