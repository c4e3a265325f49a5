from __future__ import annotations

import numpy as np
import pytest

from benchmarks.corruptions import (
    CORRUPTIONS,
    SEVERITIES,
    defocus_blur,
    infrared,
    low_light,
    motion_blur,
    streamed,
)
from edge_caption.images.frame import Pixels
from edge_caption.images.photos import list_photos, read_photo
from edge_caption.model.preprocess import to_input
from tests.conftest import ROOT


@pytest.fixture
def input_picture() -> Pixels:
    """A real photo as the encoder gets it."""
    (pixels,) = to_input(read_photo(list_photos(ROOT / "edge_caption" / "demo" / "photos")[0]), 224)
    return np.asarray(pixels, np.uint8)


def corrupted(name: str, pixels: Pixels, severity: int, seed: int = 1) -> Pixels:
    return CORRUPTIONS[name](pixels, severity, np.random.default_rng(seed))


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_severity_is_further_from_the_photo_than_the_one_before(name: str, input_picture: Pixels) -> None:
    worse = [corrupted(name, input_picture, severity) for severity in SEVERITIES]
    assert all(pixels.shape == input_picture.shape and pixels.dtype == np.uint8 for pixels in worse)
    errors = [np.mean((pixels.astype(float) - input_picture) ** 2) for pixels in worse]
    assert errors == sorted(errors)
    assert errors[0] > 1


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_the_same_seed_gives_the_same_picture(name: str, input_picture: Pixels) -> None:
    assert (corrupted(name, input_picture, 3) == corrupted(name, input_picture, 3)).all()


def test_noise_has_the_deviation_that_the_paper_says() -> None:
    grey = np.full((224, 224, 3), 128, np.uint8)
    noisy = corrupted("gaussian_noise", grey, 1)
    assert noisy.std() == pytest.approx(0.08 * 255, rel=0.02)


def test_blur_moves_light_about_and_loses_none() -> None:
    point = np.zeros((224, 224, 3), np.uint8)
    point[106:118, 106:118] = 240
    for blur in (defocus_blur, motion_blur):
        blurred = blur(point, 5, np.random.default_rng(1))
        assert blurred.max() < 240
        assert blurred.sum() == pytest.approx(point.sum(), rel=0.02)


def test_motion_smears_along_its_line_and_not_across() -> None:
    edge = np.zeros((224, 224, 3), np.uint8)
    edge[:, 112:] = 200
    across = np.abs(np.diff(motion_blur(edge, 5, np.random.default_rng(1)).astype(int), axis=1)).max()
    along = np.abs(np.diff(motion_blur(edge, 5, np.random.default_rng(1)).astype(int), axis=0))[20:-20].max()
    assert across < 40  # the edge of 200 is spread over many columns
    assert along == 0


def test_less_light_is_darker_and_a_black_picture_stays_black() -> None:
    black = np.zeros((224, 224, 3), np.uint8)
    assert low_light(black, 1, np.random.default_rng(1)).mean() < 2


def test_infrared_has_no_colours_and_the_light_of_the_photo(input_picture: Pixels) -> None:
    grey = infrared(input_picture)
    assert grey.shape == input_picture.shape
    assert grey.dtype == np.uint8
    assert (grey == grey[..., :1]).all()
    light = input_picture @ np.array([0.299, 0.587, 0.114])
    assert np.abs(grey[..., 0] - light).max() <= 1


def test_a_stream_is_compressed_less_than_the_first_severity_of_jpeg(input_picture: Pixels) -> None:
    def error(pixels: Pixels) -> float:
        return float(np.mean((pixels.astype(float) - input_picture) ** 2))

    assert 0 < error(streamed(input_picture)) < error(corrupted("jpeg", input_picture, 1))
