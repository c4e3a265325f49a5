from __future__ import annotations

import random

import numpy as np
import pytest

from edge_caption.images.frame import Pixels
from training.data.degrade import DAMAGES, Damage, degrade, infrared, low_light


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damage_keeps_the_form_and_follows_its_seed(damage: Damage, picture: Pixels) -> None:
    one, again, other = (damage(picture, random.Random(seed)) for seed in (1, 1, 2))
    assert one.shape == picture.shape
    assert one.dtype == np.uint8
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, picture)


def test_low_light_is_darker_and_infrared_is_grey(picture: Pixels) -> None:
    for seed in range(5):
        assert low_light(picture, random.Random(seed)).mean() < 0.85 * picture.mean()
        seen = infrared(picture, random.Random(seed))
        assert (seen == seen[..., :1]).all()


def test_every_damage_is_drawn(picture: Pixels) -> None:
    drawn = {degrade(picture, random.Random(seed)).tobytes() for seed in range(30)}
    assert len(drawn) == 30
