from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_caption.model.captioner import Captioner
from edge_caption.model.decoder import Never
from edge_caption.model.encoder import Floats, Seen
from edge_caption.model.sure import GENERAL, GeneralDecoder
from edge_caption.model.vocabulary import SPECIAL, Vocabulary

TEXT = (
    "a an the is are and of to in on with at front next top man woman boy child person people dog dogs cat cats animal "
    "animals bench couch ball red standing sitting holding room table crowd computer desk running its mouth"
)
VOCABULARY = Vocabulary([*SPECIAL, *TEXT.split()])
NOTHING = np.zeros((1, 1, 1), np.float32)


class Likes:
    """A decoder that gives words the probabilities that the test says."""

    start = 1

    def __init__(self, **words: float) -> None:
        self.row = np.full(len(VOCABULARY), 1e-6)
        for word, probability in words.items():
            self.row[VOCABULARY.encode([word])] = probability

    def step(
        self, tokens: NDArray[np.int64], state: Floats, seen: Seen, never: Never = ()
    ) -> tuple[Floats, Floats, Floats]:
        scores = np.log(self.row, dtype=np.float64)[None].astype(np.float32)
        scores[0, [word for words in never for word in words]] = -np.inf
        return scores, state, NOTHING


@pytest.mark.parametrize(
    ("likes", "best"),
    [
        ({"dog": 0.08, "cat": 0.07, "red": 0.01}, "animal"),
        ({"dogs": 0.08, "cats": 0.07, "dog": 0.01}, "animals"),
        ({"dog": 0.2, "cat": 0.19}, "dog"),
        ({"dog": 0.06, "red": 0.02}, "dog"),
        ({"boy": 0.08, "child": 0.05, "man": 0.07}, "child"),
        ({"boy": 0.05, "man": 0.04, "woman": 0.03}, "person"),
        ({"bench": 0.08, "couch": 0.07}, "bench"),
        ({"crowd": 0.09, "man": 0.04}, "crowd"),
    ],
)
def test_an_object_that_is_not_sure_gives_way_to_a_general_word(likes: dict[str, float], best: str) -> None:
    decoder = GeneralDecoder(Likes(**likes), VOCABULARY, 0.1)
    scores, _, _ = decoder.step(np.array([1]), NOTHING, Seen(NOTHING, NOTHING, NOTHING))
    assert VOCABULARY.words[int(scores[0].argmax())] == best


@pytest.mark.parametrize(("never", "best"), [("animal", "dog"), ("dog", "cat")])
def test_a_general_word_is_not_said_where_it_may_not_come(never: str, best: str) -> None:
    decoder = GeneralDecoder(Likes(dog=0.08, cat=0.07, red=0.01), VOCABULARY, 0.1)
    scores, _, _ = decoder.step(np.array([1]), NOTHING, Seen(NOTHING, NOTHING, NOTHING), [VOCABULARY.encode([never])])
    assert VOCABULARY.words[int(scores[0].argmax())] == best


def test_a_captioner_that_must_be_sure_says_it_generally_or_less(demo_photos: list[Path]) -> None:
    plain, *surer = (
        [Captioner(sure=least).caption(photo).text.split() for photo in demo_photos]
        for least in (0, 0.3, 0.5, 0.7, 0.9)
    )
    pairs = [(words, less) for said in surer for words, less in zip(plain, said, strict=True)]
    general = {word for forms in GENERAL.values() for word in forms}
    assert any(general & {*less} - {*words} for words, less in pairs)
    assert any(0 < len(less) < len(words) and less == words[: len(less)] for words, less in pairs)


def test_another_language_is_said_as_before(demo_photos: list[Path]) -> None:
    plain, sure = (Captioner(language="zh", sure=least) for least in (0.0, 0.9))
    assert plain.caption(demo_photos[0]).text == sure.caption(demo_photos[0]).text
