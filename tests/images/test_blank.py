from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_caption.images.blank import cells_of, detail, noise, shows_nothing
from edge_caption.images.frame import Pixels
from edge_caption.images.photos import read_photo

HEIGHT, WIDTH = 480, 640
ROWS, COLUMNS = np.mgrid[0:HEIGHT, 0:WIDTH]
CHANCE = np.random.default_rng(1)


def noisy(picture: np.ndarray, deviation: float) -> Pixels:
    grain = CHANCE.normal(0, deviation, (HEIGHT, WIDTH, 3))
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def plain(*colour: float) -> np.ndarray:
    return np.zeros((HEIGHT, WIDTH, 3)) + colour


COVERED = 60 * np.exp(-((COLUMNS - 320) ** 2 + (ROWS - 240) ** 2) / 2 / 200**2)[..., None] * (1, 0.5, 0.4)

NOTHING = {
    "black": (noisy(plain(0, 0, 0), 2), "it is dark"),
    "a night's grain": (noisy(plain(0, 0, 0), 12), "it is dark"),
    "grey": (noisy(plain(128, 128, 128), 1), "it is plain or covered"),
    "white": (noisy(plain(255, 255, 255), 0), "it is plain or covered"),
    "a sensor's green": (noisy(plain(20, 160, 20), 3), "it is plain or covered"),
    "a hand over the lens": (noisy(COVERED, 4), "it is plain or covered"),
    "a wall in a gradient": (noisy((COLUMNS / WIDTH * 80)[..., None] + plain(0, 0, 0), 3), "it is plain or covered"),
    "noise": (CHANCE.integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8), "it is plain or covered"),
    "small noise": (CHANCE.integers(0, 256, (120, 160, 3)).astype(np.uint8), "it is noise"),
}


@pytest.mark.parametrize("name", NOTHING)
def test_pictures_that_show_nothing_are_found(name: str) -> None:
    picture, reason = NOTHING[name]
    assert shows_nothing(picture) == reason
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 60])
    assert done
    assert shows_nothing(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8))


def test_real_photos_show_something_in_bad_light_too(demo_photos: list[Path]) -> None:
    for photo in demo_photos:
        pixels = read_photo(photo)
        assert shows_nothing(pixels) is None
        dim = (255 * (pixels / 255.0) ** 2).astype(np.uint8)
        grey = np.repeat(pixels.mean(2, keepdims=True), 3, 2).astype(np.uint8)
        assert shows_nothing(dim) is None
        assert shows_nothing(grey) is None


def test_one_thing_on_a_plain_ground_is_something() -> None:
    picture = noisy(plain(30, 120, 30), 3)
    picture[200:320, 250:390] = (200, 60, 60)
    assert shows_nothing(picture) is None


def test_dev_photos_are_let_through(flickr8k: Path) -> None:
    names = (flickr8k / "Flickr8k_text" / "Flickr_8k.devImages.txt").read_text().split()[::5]
    held = [name for name in names if shows_nothing(read_photo(flickr8k / "Flickr8k_Dataset" / name))]
    assert held == []


def test_a_large_picture_is_judged_as_a_small_one_of_it(demo_photos: list[Path]) -> None:
    for photo in demo_photos:
        pixels = read_photo(photo)
        large = np.asarray(cv2.resize(pixels, None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST), np.uint8)
        assert detail(cells_of(large)) == pytest.approx(detail(cells_of(pixels)), rel=0.02)


def test_surroundings_are_what_opencv_calls_a_gaussian_blur(demo_photos: list[Path]) -> None:
    cells = cells_of(read_photo(demo_photos[0]))
    difference = cells - cv2.GaussianBlur(cells, (0, 0), 1.0)
    assert detail(cells) == pytest.approx(difference.reshape(-1, 3).std(0).max(), rel=1e-4)


def test_a_picture_that_is_one_pixel_wide_has_no_noise() -> None:
    assert noise(np.zeros((400, 1, 3), np.uint8)) == 0
