"""What lies under transparent pixels; Pillow is the judge of what a viewer shows."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from edge_caption.errors import PhotoError
from edge_caption.images.frame import Pixels
from edge_caption.images.photos import MAX_PIXELS, decode_photo
from tests.conftest import encode

ORIENTATION = 0x0112

FORMATS = {"PNG": {}, "WEBP": {"lossless": True, "exact": True}}


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, kind, **FORMATS[kind], **options)
    return target.getvalue()


def shown(data: bytes) -> Pixels:
    """Draw what a viewer with a white background shows."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return np.asarray(Image.alpha_composite(white, image).convert("RGB"))


def assert_as_shown(data: bytes) -> None:
    expected = shown(data)
    pixels = decode_photo(data, "photo")
    assert pixels.shape == expected.shape
    assert np.abs(pixels.astype(int) - expected).max() <= 1


@pytest.fixture
def image(picture: Pixels) -> Image.Image:
    """The picture, erased in part: opaque at the left, fading out to transparent at the right."""
    alpha = np.clip(np.arange(320) * -2 + 480, 0, 255).astype(np.uint8)
    assert set(alpha[[0, -1]]) == {0, 255}
    return Image.fromarray(np.dstack([picture, np.broadcast_to(alpha, (240, 320))]))


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_a_photo_with_alpha_is_seen_as_it_is_shown(image: Image.Image, kind: str, mode: str) -> None:
    assert_as_shown(saved(image.convert(mode), kind))


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_with_alpha_is_turned_upright(image: Image.Image, kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x010F] = "a maker"  # not the first entry
    exif[ORIENTATION] = orientation
    assert_as_shown(saved(image, kind, exif=exif))


@pytest.mark.parametrize("transparency", [200, bytes(range(256))])
def test_a_palette_with_transparent_entries(image: Image.Image, transparency: int | bytes) -> None:
    assert_as_shown(saved(image.convert("RGB").quantize(256), "PNG", transparency=transparency))


def test_a_transparent_shade_of_grey_or_colour(image: Image.Image) -> None:
    grey = image.convert("L")
    assert_as_shown(saved(grey, "PNG", transparency=grey.getpixel((100, 100))))
    rgb = image.convert("RGB")
    assert_as_shown(saved(rgb, "PNG", transparency=rgb.getpixel((100, 100))))
    assert_as_shown(saved(grey.point(lambda shade: shade > 90 and 255, "1"), "PNG", transparency=0))


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_a_transparent_shade_of_few_bits(bits: int) -> None:
    """Pillow compares 2 and 4 bits with the shade unstretched; the PNG specification (11.3.2.1) does not."""
    shades = np.arange(64).reshape(8, 8) % 2**bits
    pixels = decode_photo(grey_png(shades, bits, transparent=1), "photo")
    assert np.array_equal(pixels[..., 0], np.where(shades == 1, 255, shades * 255 // (2**bits - 1)))


def grey_png(shades: NDArray[np.int64], bits: int, transparent: int) -> bytes:
    height, width = shades.shape
    rows = [0]
    for row in shades:
        packed = int("".join(f"{shade:0{bits}b}" for shade in row), 2).to_bytes(width * bits // 8, "big")
        rows += [*packed, 0]
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0),
        b"tRNS": struct.pack(">H", transparent),
        b"IDAT": zlib.compress(bytes(rows[:-1])),
        b"IEND": b"",
    }
    packed_chunks = (
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks.items()
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed_chunks)


def test_sixteen_bits_are_seen_as_eight(image: Image.Image) -> None:
    bgra = cv2.cvtColor(np.asarray(image), cv2.COLOR_RGBA2BGRA)
    pixels = decode_photo(encode_bgra(bgra.astype(np.uint16) * 257), "photo")
    assert np.abs(pixels.astype(int) - shown(saved(image, "PNG"))).max() <= 1


def encode_bgra(bgra: NDArray[Any], suffix: str = ".png") -> bytes:
    done, data = cv2.imencode(suffix, bgra)
    assert done
    return data.tobytes()


@pytest.mark.parametrize("kind", FORMATS)
def test_of_an_animation_the_first_picture_is_seen(image: Image.Image, kind: str) -> None:
    assert_as_shown(saved(image, kind, save_all=True, append_images=[image.rotate(90)]))


@pytest.mark.parametrize("kind", FORMATS)
def test_what_is_erased_makes_no_difference(image: Image.Image, kind: str) -> None:
    """The very same pixels, whatever is hidden."""
    other = np.array(image)
    other[:, 250:, :3] = 255 - other[:, 250:, :3]
    hidden = (saved(image, kind), saved(Image.fromarray(other), kind))
    assert hidden[0] != hidden[1]
    one, two = (decode_photo(data, "photo") for data in hidden)
    assert np.array_equal(one, two)


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_a_photo_of_which_all_is_erased_shows_nothing(
    demo_photos: list[Path], depth: type[np.unsignedinteger[Any]]
) -> None:
    bgr = cv2.imread(str(demo_photos[0]))
    assert bgr is not None
    erased: NDArray[Any] = np.dstack([bgr, np.zeros(bgr.shape[:2], np.uint8)]).astype(depth)
    with pytest.raises(PhotoError, match=r"^gone\.png shows nothing, for every pixel is transparent; give another"):
        decode_photo(encode_bgra(erased), "gone.png")


def test_nothing_is_lost_of_an_opaque_photo(picture: Pixels) -> None:
    opaque = np.dstack([picture[..., ::-1], np.full((240, 320), 255, np.uint8)])
    assert np.array_equal(decode_photo(encode_bgra(opaque), "photo"), picture)
    assert np.array_equal(decode_photo(saved(Image.fromarray(picture), "WEBP"), "photo"), picture)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_photo_with_alpha_that_was_cut_is_refused(image: Image.Image, share: float) -> None:
    for kind in FORMATS:
        data = saved(image, kind)
        with pytest.raises(PhotoError, match="can't be decoded"):
            decode_photo(data[: int(len(data) * share)], "photo")


def test_a_huge_photo_with_alpha_is_refused_before_it_is_decoded(image: Image.Image) -> None:
    data = bytearray(saved(image, "PNG"))
    data[16:24] = struct.pack(">II", 8000, MAX_PIXELS // 8000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    with pytest.raises(PhotoError, match="8000x12500 pixels and 50000000 are the most"):
        decode_photo(bytes(data), "bomb.png")


def test_exif_that_makes_no_sense_turns_nothing(image: Image.Image) -> None:
    for exif in (b"", b"II", b"MM\0*\0\0\0\x08\0\x09", bytes(40), b"II*\0\xff\xff\xff\xff"):
        data = saved(image, "WEBP", exif=exif) if exif else saved(image, "WEBP")
        assert decode_photo(data, "photo").shape == (240, 320, 3)


def test_encode_helper_keeps_plain_png_plain(picture: Pixels) -> None:
    assert np.array_equal(decode_photo(encode(picture, ".png"), "photo"), picture)
