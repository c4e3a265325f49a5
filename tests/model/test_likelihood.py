from __future__ import annotations

import numpy as np
import pytest

from edge_caption.errors import ConfigError
from edge_caption.images.frame import Pixels
from edge_caption.model.captioner import Captioner
from edge_caption.model.likelihood import read_question
from edge_caption.model.vocabulary import SPECIAL, UNKNOWN, Vocabulary

WORDS = Vocabulary((*SPECIAL, "a", "red", "box", "方块", "红色", "红", "的"))


def test_a_question_is_cut_as_captions_are() -> None:
    question = read_question("A red, red zebra!", WORDS, " ", 10)
    assert question.tokens == (4, 5, 5, UNKNOWN)
    assert question.unknown == ("zebra",)
    assert read_question("红色的方块", WORDS, "", 10).tokens == (8, 10, 7)


@pytest.mark.parametrize(
    ("sentence", "said"),
    [("zebra piano", "knows no word"), ("", "knows no word"), ("a " * 11, "11 words; ask")],
)
def test_what_cannot_be_asked_is_refused(sentence: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_question(sentence, WORDS, " ", 10)


def test_the_captions_own_likelihood_is_what_the_search_found(tiny_captioner: Captioner, picture: Pixels) -> None:
    encoded = tiny_captioner.encode(picture)
    caption = encoded.caption()
    question = tiny_captioner.ask(caption.text)
    (likely,) = tiny_captioner.log_probs(encoded.seen, [question])
    assert likely == pytest.approx(sum(word.log_prob for word in caption.words), abs=1e-3)


def test_questions_together_are_what_they_are_alone(tiny_captioner: Captioner, picture: Pixels) -> None:
    seen = tiny_captioner.encode(picture).seen
    questions = [tiny_captioner.ask(text) for text in ("a red box", "a", "a small blue box at the left on zebra green")]
    together = tiny_captioner.log_probs(seen, questions)
    alone = [tiny_captioner.log_probs(seen, [question])[0] for question in questions]
    np.testing.assert_allclose(together, alone, rtol=1e-3, atol=1e-3)
    assert together[1] > together[0] > together[2]


def test_an_unknown_word_counts_neither_for_nor_against(tiny_captioner: Captioner, picture: Pixels) -> None:
    seen = tiny_captioner.encode(picture).seen
    known, more = tiny_captioner.log_probs(seen, [tiny_captioner.ask(text) for text in ("a red", "a red zebra")])
    assert known == pytest.approx(more, abs=1e-3)
