from __future__ import annotations

import numpy as np
import pytest

from edge_caption.model.caption import Box, Word


@pytest.mark.parametrize(
    ("weights", "box"),
    [
        ({(1, 2): 0.4}, (0.5, 0.25, 0.75, 0.5)),
        ({(1, 1): 0.4, (1, 2): 0.21}, (0.25, 0.25, 0.75, 0.5)),  # just over half the strongest
        ({(1, 1): 0.4, (1, 2): 0.2}, (0.25, 0.25, 0.75, 0.5)),  # half
        ({(1, 1): 0.4, (1, 2): 0.19}, (0.25, 0.25, 0.5, 0.5)),  # just below
        ({(0, 0): 0.3, (3, 3): 0.3}, (0, 0, 1, 1)),
        ({(3, 0): 0.01}, (0, 0.75, 0.25, 1)),  # the strongest counts, not the sum
    ],
)
def test_a_words_box_holds_what_has_half_the_strongest_attention(
    weights: dict[tuple[int, int], float], box: Box
) -> None:
    attention = np.zeros((4, 4), np.float32)
    for place, weight in weights.items():
        attention[place] = weight
    assert Word("dog", -0.1, attention).box == box


def test_a_box_is_in_fractions_of_width_and_height() -> None:
    attention = np.zeros((2, 5), np.float32)
    attention[1, 2:4] = 0.5
    assert Word("dog", -0.1, attention).box == (0.4, 0.5, 0.8, 1)
