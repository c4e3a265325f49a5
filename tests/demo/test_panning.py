from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from edge_caption.demo.panning import HEIGHT, WIDTH, panning_feed, window
from edge_caption.errors import PhotoError
from edge_caption.images.frame import Pixels
from tests.conftest import encode


def test_the_window_moves_smoothly_over_the_photo_and_comes_round(picture: Pixels) -> None:
    views = [window(picture, step / 60).astype(int) for step in range(61)]
    assert all(view.shape == (HEIGHT, WIDTH, 3) for view in views)
    steps = [np.abs(views[index + 1] - views[index]).mean() for index in range(60)]
    assert min(steps) > 0
    assert max(steps) < 10
    assert np.array_equal(views[0], views[60])


@pytest.mark.parametrize("shape", [(100, 1000), (1000, 100), (480, 640), (20, 20)])
def test_photos_of_any_shape_fill_the_window(shape: tuple[int, int]) -> None:
    white = np.full((*shape, 3), 255, np.uint8)
    for progress in (0, 0.3, 0.9):
        assert window(white, progress).min() == 255


def test_the_camera_goes_from_photo_to_photo_at_its_pace(tmp_path: Path) -> None:
    for name, grey in (("a", 50), ("b", 200)):
        (tmp_path / f"{name}.png").write_bytes(encode(np.full((300, 400, 3), grey, np.uint8), ".png"))
    camera = panning_feed(tmp_path).open()
    began = time.monotonic()
    for _ in range(5):
        assert camera.read() is not None
    # Four whole steps of 1/15 s; the first may come at once.
    assert time.monotonic() - began >= 0.26
    camera.close()


def test_a_folder_without_photos_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="holds no photo"):
        panning_feed(tmp_path).open()
