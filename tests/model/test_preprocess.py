from __future__ import annotations

import numpy as np
import pytest

from edge_caption.images.frame import Pixels
from edge_caption.model.preprocess import to_input


@pytest.mark.parametrize("side", [224, 288])
@pytest.mark.parametrize(("height", "width"), [(480, 640), (1080, 1920), (100, 60), (224, 224), (1, 1)])
def test_any_size_becomes_the_square(height: int, width: int, side: int) -> None:
    image = to_input(np.full((height, width, 3), 77, np.uint8), side)
    assert image.shape == (1, side, side, 3)
    assert image.dtype == np.uint8
    assert (image == 77).all()


def test_nothing_is_cropped(picture: Pixels) -> None:
    picture[:24, :32], picture[-24:, -32:] = (255, 0, 0), (0, 0, 255)
    image = to_input(picture, 224)[0]
    assert image[2, 2].tolist() == [255, 0, 0]
    assert image[-3, -3].tolist() == [0, 0, 255]
