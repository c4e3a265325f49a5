from __future__ import annotations

import pytest

from training.scoring.people import names_people, people_rates, share_interval


@pytest.mark.parametrize(
    ("sentence", "names"),
    [
        ("Two women sit on a couch .", True),
        ("a surfer on a wave", True),
        ("kids play", True),
        ("an empty kitchen with a refrigerator", False),
        ("a snowman in the yard", False),
        ("a dog chases a toy", False),
        ("a baby elephant in the water", False),
        ("a baby looks at an elephant", True),
    ],
)
def test_people_of_every_kind_are_people(sentence: str, names: bool) -> None:
    assert names_people(sentence) is names


def test_photos_with_people_and_without_count_apart_and_unclear_ones_for_neither() -> None:
    references = [
        ["a man", "a boy", "a tree"],  # most say so
        ["a man", "a guy", "a person"],
        ["a tree", "a dog", "a lake"],  # nobody does
        ["a chair", "a table", "a lamp"],
        ["a man", "a tree", "a tree"],  # one does
    ]
    rates = people_rates(["a man", "a tree", "a woman on a lake", "a chair", "a man"], references)
    assert rates["found"]["photos"] == rates["invented"]["photos"] == 2
    assert rates["found"]["share"] == rates["invented"]["share"] == 0.5
    assert people_rates(["a man"], [["a boy"]])["invented"]["share"] is None


def test_the_interval_is_wilsons() -> None:
    """Against the figures of Newcombe 1998, table I, method 3."""
    assert share_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert share_interval(15, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)
    assert share_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert share_interval(1, 29) == pytest.approx((0.0061, 0.1718), abs=1e-4)
