from __future__ import annotations

import math

import numpy as np
import pytest

from edge_caption.model.decoder import Sentence
from edge_caption.model.trim import trim
from edge_caption.model.vocabulary import SPECIAL, Vocabulary

TEXT = (
    "a an the is are and of to in on with at front next top man woman boy child dog dogs animal animals elephant bench "
    "couch ball red white black standing sitting holding room table tables chairs crowd computer desk running its "
    "mouth sink kitchen background food plate topped bowl it tennis court racket umbrella one"
)
VOCABULARY = Vocabulary([*SPECIAL, *TEXT.split()])


def said(text: str, unsure: str) -> Sentence:
    """Return a sentence whose words have 0.5 each, and the unsure ones 0.05."""
    words = text.split()
    log_probs = tuple(math.log(0.05 if word in unsure.split() else 0.5) for word in words)
    attentions = tuple(np.full(1, at, np.float32) for at in range(len(words)))
    return Sentence(tuple(VOCABULARY.encode(words)), log_probs, attentions, sum(log_probs) - 0.25)


def check(text: str, unsure: str, trimmed: str) -> None:
    found = trim(said(text, unsure), VOCABULARY, 0.1)
    assert " ".join(VOCABULARY.decode(found.tokens)) == trimmed
    assert len(found.tokens) == len(found.log_probs) == len(found.attentions)
    assert found.log_prob == pytest.approx(sum(found.log_probs) - 0.25)


@pytest.mark.parametrize(
    ("text", "unsure", "trimmed"),
    [
        ("a man is sitting on a red bench", "bench", "a man is sitting"),
        ("a man with a ball is sitting on a bench", "ball", "a man is sitting on a bench"),
        ("a man is standing in front of a table", "table", "a man is standing"),
        ("a dog next to a man on a couch", "man", "a dog on a couch"),
        ("a dog on top of a table in a room", "table", "a dog in a room"),
        ("a woman is holding a ball", "ball", "a woman"),
        ("a man and a dog are running", "dog", "a man and a dog are running"),
        ("a man in a room", "man", "a man in a room"),
        ("in a room", "room", "in a room"),
        ("a man is sitting on a bench", "", "a man is sitting on a bench"),
        ("a dog on a computer desk", "computer", "a dog on a computer desk"),
        ("a dog on a plate of food in a room", "plate", "a dog in a room"),
        ("a dog with a ball on it in a room", "ball", "a dog in a room"),
        ("a plate topped with food and a bowl", "food", "a plate topped with food and a bowl"),
        ("a plate topped with food", "food", "a plate"),
        ("a dog is running with a ball in its mouth", "ball", "a dog is running"),
        ("a dog is running with a ball in a room", "ball", "a dog is running in a room"),
    ],
)
def test_a_phrase_whose_object_is_not_sure_is_left_out(text: str, unsure: str, trimmed: str) -> None:
    check(text, unsure, trimmed)


@pytest.mark.parametrize(
    ("text", "trimmed"),
    [
        ("a kitchen with a sink and a sink", "a kitchen with a sink"),
        ("a room with a table and chairs and a table", "a room with a table and chairs"),
        ("a dog on a couch with a dog", "a dog on a couch"),
        ("a plate of food with a plate on it", "a plate of food"),
        ("a bowl and a plate of food and a plate", "a bowl and a plate of food"),
        ("a computer computer on a desk", "a computer on a desk"),
        ("a white and white dog", "a white dog"),
        ("a animal elephant standing in a room", "an elephant standing in a room"),
        # What is no repetition, or what the sentence needs:
        ("a woman and a woman are sitting", "a woman and a woman are sitting"),
        ("a woman and a woman in a room", "a woman and a woman in a room"),
        ("a black dog and a white dog are running", "a black dog and a white dog are running"),
        ("a black dog on a bench with a white dog", "a black dog on a bench with a white dog"),
        ("a dog and a dog are running", "a dog and a dog are running"),
        ("a tennis racket on a tennis court", "a tennis racket on a tennis court"),
        ("a man with a tennis ball on a tennis court", "a man with a tennis ball on a tennis court"),
        ("a dog standing next to dogs", "a dog standing next to dogs"),
        ("a table and tables", "a table and tables"),
    ],
)
def test_what_is_said_again_is_left_out(text: str, trimmed: str) -> None:
    check(text, "", trimmed)


@pytest.mark.parametrize(
    ("text", "trimmed"),
    [
        ("a animal and a umbrella", "an animal and an umbrella"),
        ("a elephant with a ball", "an elephant with a ball"),
        ("a one man crowd", "a one man crowd"),
    ],
)
def test_the_article_fits(text: str, trimmed: str) -> None:
    check(text, "", trimmed)


def test_whoever_need_not_be_sure_hears_all_but_repetitions() -> None:
    found = trim(said("a dog on a bench with a dog", "bench"), VOCABULARY, 0)
    assert VOCABULARY.decode(found.tokens) == ["a", "dog", "on", "a", "bench"]
