from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_caption.images import decoding
from edge_caption.images.decoding import decode
from edge_caption.images.frame import Pixels
from tests.conftest import encode

PEAK = """
import sys
from pathlib import Path
import cv2
from edge_caption.images import decoding
decoding.FILES_IN_MEMORY = sys.argv[2] == "yes"
def kb(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))
data = Path(sys.argv[1]).read_bytes()
before = kb("VmRSS")
pixels = decoding.decode(data, cv2.IMREAD_COLOR_RGB)
print((kb("VmHWM") - before) * 1024 / pixels.nbytes)
"""


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("flags", [cv2.IMREAD_COLOR_RGB, cv2.IMREAD_UNCHANGED])
def test_pixels_are_those_of_imdecode(picture: Pixels, suffix: str, flags: int) -> None:
    data = encode(picture, suffix)
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    decoded = decode(data, flags)
    assert decoded is not None
    assert expected is not None
    assert np.array_equal(decoded, expected)


@pytest.mark.skipif(not decoding.FILES_IN_MEMORY, reason="no Linux")
def test_a_picture_is_in_memory_once(tmp_path: Path, picture: Pixels) -> None:
    file = tmp_path / "large.jpg"
    file.write_bytes(encode(np.asarray(cv2.resize(picture, (4000, 3000)), np.uint8), ".jpg"))

    def pictures(in_memory: str) -> float:
        command = [sys.executable, "-c", PEAK, str(file), in_memory]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert pictures("yes") < 1.5
    assert pictures("no") > 1.9


def test_without_such_files_it_is_decoded_all_the_same(picture: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "memfd_create", refuse, raising=False)
    decoded = decode(encode(picture, ".png"), cv2.IMREAD_COLOR_RGB)
    assert decoded is not None
    assert np.array_equal(decoded, picture)


def test_no_file_stays_open(picture: Pixels) -> None:
    data = encode(picture, ".jpg")
    decode(data, cv2.IMREAD_COLOR_RGB)
    before = len([*Path("/dev/fd").iterdir()])
    for bad in (data[:50], b"hello"):
        assert decode(bad, cv2.IMREAD_COLOR_RGB) is None
    assert len([*Path("/dev/fd").iterdir()]) == before
