from __future__ import annotations

import pytest

from edge_caption.errors import ConfigError
from edge_caption.node.alerts.wanted import Wanted


@pytest.mark.parametrize(
    ("phrase", "caption"),
    [
        ("person", "two men are walking"),
        ("a person at the door", "a woman stands near a door"),
        ("a child on a bike", "a boy is riding a bicycle"),
        ("dog", "three puppies play"),
        ("jumping", "a dog jumps over a fence"),
        ("a person running", "a man runs on the beach"),
        ("a dog runs", "a dog is running"),
        ("ride a bike", "a man is riding a bike"),
        ("a dog sitting", "a dog sits on a rock"),
        ("dance", "people dancing in a street"),
        ("a man carries a bag", "a man carrying a bag"),
        ("a dog lies", "a dog is lying in the grass"),
        ("tries", "a boy trying to jump"),
        ("crossing", "a woman crosses a street"),
        ("hug", "two women hugging"),
        ("a red jacket", "a man in a red jacket"),
        ("海滩", "一只狗在海滩上"),
        ("狗 海滩", "海滩上有一只狗"),
    ],
)
def test_a_caption_that_names_all_of_it_in_any_words_fits(phrase: str, caption: str) -> None:
    assert Wanted(phrase).fits(caption)


@pytest.mark.parametrize(
    ("phrase", "caption"),
    [
        ("a man", "a person is walking"),
        ("a person at the door", "a woman stands near a fence"),
        ("a person at the door", "a dog sits by a door"),
        ("dog", "a hot dog"),
        ("a red jacket", "a man in a blue jacket"),
        ("a red jacket", "a red ball"),
        ("sing", "a child on a swing"),
        ("red", "a bed"),
        ("fall", "a fast dog"),
        ("狗 海滩", "海滩上有一个人"),
    ],
)
def test_one_that_lacks_a_part_of_it_does_not(phrase: str, caption: str) -> None:
    assert not Wanted(phrase).fits(caption)


@pytest.mark.parametrize("phrase", ["", "the", "on a …"])
def test_words_that_tell_of_nothing_are_refused(phrase: str) -> None:
    with pytest.raises(ConfigError, match="tell of nothing"):
        Wanted(phrase)
