from __future__ import annotations

from pathlib import Path

import pytest

from training.data.load import load
from training.data.words import never_last
from training.scoring.correctness import CIDER, are_correct, cider_of_each
from training.scoring.flaws import flaw_rates, flaw_rates_of_people

REFERENCES = [
    ["A dog runs on the beach .", "a brown dog is running on sand"],
    ["Two men on a bench .", "men sit on a green bench"],
    ["A girl swims in a pool .", "the girl is in the water"],
    ["A red car on a road .", "a car drives down the street"],
]


def test_the_shares_count_captions_not_words() -> None:
    said = ["a black dog and a black cat", "a man man on a bench", "a girl in a pool", "a red car on the street"]
    assert flaw_rates(said, REFERENCES) == {
        "unnamed_object": 0.25,
        "unnamed_colour": 0.25,
        "dangling_end": 0.0,
        "repeated_bigram": 0.25,
        "repeated_word": 0.25,
    }


def test_words_that_never_end_a_sentence_are_told_from_the_sentences() -> None:
    sentences = [
        words.split() for words in ("a dog runs with a stick", "a man sits", "he runs", "a dog with a dog")
    ] * 60
    assert never_last(sentences) == ("a", "with")
    # Too few to tell.
    assert never_last(sentences[:8]) == ()


def test_an_end_dangles_when_peoples_sentences_never_end_so() -> None:
    references = [["a dog runs with a stick", "the dog runs"]] * 200
    assert flaw_rates(["the dog with a"] * 50 + ["a stick"] * 150, references)["dangling_end"] == 0.25


def test_people_are_held_against_one_another() -> None:
    people = flaw_rates_of_people([["a man and a cat", "a man"], ["a dog", "a dog runs"], ["alone with a horse"]])
    assert people["unnamed_object"] == 0.5


def test_right_needs_true_objects_and_something_to_say() -> None:
    said = ["a dog is running on the beach", "two men on a horse", "a girl", "trees"]
    judged = are_correct(said, REFERENCES)
    ciders = cider_of_each(said, REFERENCES)
    assert judged == [True, False, ciders[2] >= CIDER, False]
    assert ciders[0] > CIDER
    assert ciders[3] == 0


def test_people_make_fewer_flaws_than_captions_of_other_photos(flickr8k: Path) -> None:
    photos = load(flickr8k / "Flickr8k_text" / "Flickr8k.token.txt", flickr8k / "Flickr8k_Dataset", "dev")[:300]
    references = [photo.captions for photo in photos]
    elsewhere = [references[at - 1][0] for at in range(len(references))]
    people = flaw_rates_of_people(references)
    assert people["unnamed_object"] < 0.3
    assert flaw_rates(elsewhere, references)["unnamed_object"] > 0.8
    assert people["dangling_end"] < 0.01


@pytest.mark.parametrize("captions", [["", "", "", ""], ["of", "of", "of", "of"]])
def test_odd_captions_are_judged_too(captions: list[str]) -> None:
    assert set(flaw_rates(captions, REFERENCES).values()) == {0.0}
    assert are_correct(captions, REFERENCES) == [False] * 4
