"""Pictures out of a stream, whatever a camera puts between them."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from edge_caption.cameras.jpegs import JpegSplitter
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


def test_what_holds_no_picture_is_counted_and_not_kept() -> None:
    splitter = JpegSplitter()
    for _ in range(100):
        assert not list(splitter.split(b"no picture " * 1000))
    assert splitter.left_out > 1_000_000
    assert len(splitter._bytes) < 10
