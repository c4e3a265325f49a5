"""Pictures out of a stream, whatever a camera puts between them."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest

from edge_caption.cameras.jpeg_stream import JpegStream
from edge_caption.cameras.jpegs import JpegSplitter
from edge_caption.errors import CameraError
from edge_caption.images.photos import decode_photo
from tests.conftest import encode


def jpeg(number: int, thumbnail: bool = False) -> bytes:
    noise = np.random.default_rng(number).integers(0, 256, (48, 64, 3), np.uint8)
    data = encode(noise, ".jpg")
    if not thumbnail:
        return data
    inner = encode(noise[:16, :16], ".jpg")
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(inner) + 2) + inner + data[2:]


PICTURES = [jpeg(0), jpeg(1, thumbnail=True), jpeg(2)]

STREAMS = {
    "as the standard says": b"".join(
        b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(picture), picture)
        for picture in PICTURES
    ),
    "lengths that are too long": b"".join(
        b"--frame\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(picture) + 2, picture) for picture in PICTURES
    ),
    "lengths that are far too long": b"".join(
        b"--frame\r\nContent-Length: %d\r\n\r\n%b\r\n" % (2 * len(picture), picture)
        for picture in [*PICTURES, b"\0" * 10_000]
    ),
    "lengths of whole pictures, of which one came by half": b"".join(
        b"--frame\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(picture), part)
        for picture, part in (
            (PICTURES[0], PICTURES[0][: len(PICTURES[0]) // 2]),
            *zip(PICTURES, PICTURES, strict=True),
        )
    ),
    "no first boundary": b"\r\n--frame\r\nContent-Type: image/jpeg\r\n\r\n".join(PICTURES),
    "parts without headers": b"".join(b"--frame\r\n\r\n" + picture for picture in PICTURES),
    "another boundary and wrong lengths": b"".join(
        b"\n----other\nContent-Length: %d\n\n%b" % (7 + index, picture) for index, picture in enumerate(PICTURES)
    ),
    "nothing between them": b"".join(PICTURES),
    "padding before a marker": b"".join(picture[:2] + b"\xff\xff" + picture[2:] for picture in PICTURES),
    "a half picture first": PICTURES[0][: len(PICTURES[0]) // 2] + b"\r\n--frame\r\n\r\n" + b"".join(PICTURES),
    "a picture's first bytes first": PICTURES[0][:30] + b"\r\n--frame\r\n\r\n" + b"".join(PICTURES),
}


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS.keys())
@pytest.mark.parametrize("step", [1, 7, 1000, 10**6])
def test_every_whole_picture_is_found_and_nothing_else(stream: bytes, step: int) -> None:
    splitter = JpegSplitter()
    found = [
        picture for start in range(0, len(stream), step) for picture in splitter.split(stream[start : start + step])
    ]
    assert [picture.replace(b"\xff\xff\xff", b"\xff") for picture in found] == PICTURES


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS.keys())
def test_pictures_are_found_where_the_rest_of_one_is_waited_for(stream: bytes) -> None:
    left = io.BytesIO(stream + b"\r\n" * 20_000)

    def receive(count: int) -> bytes:
        if not (data := left.read(count or 700)):
            raise CameraError("over")
        return data

    camera = JpegStream(receive, lambda: None, "a stream")
    for picture in PICTURES:
        assert np.array_equal(camera.read().pixels, decode_photo(picture, "the picture"))
    with pytest.raises(CameraError, match="over"):
        camera.read()


def test_the_rest_of_a_picture_whose_length_is_told_comes_at_once() -> None:
    stream, counts = io.BytesIO(STREAMS["as the standard says"]), []

    def receive(count: int) -> bytes:
        counts.append(count)
        return stream.read(count or 500)

    camera = JpegStream(receive, lambda: None, "a stream")
    camera.skip()
    head = STREAMS["as the standard says"].index(b"\xff\xd8")
    assert counts == [0, head + len(PICTURES[0]) - 500]


def test_what_holds_no_picture_is_counted_and_not_kept() -> None:
    splitter = JpegSplitter()
    for _ in range(100):
        assert not list(splitter.split(b"no picture " * 1000))
    assert splitter.left_out > 1_000_000
    assert len(splitter._bytes) < 10


@pytest.mark.parametrize("step", [1, 7, 1000, 10**6])
@pytest.mark.parametrize("name", ["as the standard says", "parts without headers", "nothing between them"])
def test_pictures_that_nobody_wants_are_counted_and_the_next_one_is_whole(name: str, step: int) -> None:
    stream = STREAMS[name]
    splitter, passed, taken = JpegSplitter(), 0, []
    for start in range(0, len(stream), step):
        for picture in splitter.split(stream[start : start + step], wanted=passed >= 2):
            if passed < 2:
                passed += 1
            else:
                taken.append(picture)
    assert passed == 2
    if step < 10**6:  # otherwise all come at once
        assert taken == PICTURES[2:]


def test_a_picture_of_a_known_length_that_nobody_wants_is_not_kept() -> None:
    data = STREAMS["as the standard says"][: 200 + len(PICTURES[0])]
    head = data.index(b"\xff\xd8")
    large = b"--frame\r\nContent-Length: 1000000\r\n\r\n" + data[head : head + 500]
    splitter = JpegSplitter()
    assert not list(splitter.split(large, wanted=False))
    for _ in range(90):
        assert not list(splitter.split(b"x" * 10_000, wanted=False))
    assert sum(map(len, splitter._chunks)) < 100
