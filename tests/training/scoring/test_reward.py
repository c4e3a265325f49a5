from __future__ import annotations

import math
import random

import pytest
from pycocoevalcap.cider.cider import Cider

from edge_caption.model.vocabulary import END, SPECIAL, Vocabulary
from training.scoring.ngrams import Frequencies, count_ngrams, length_of
from training.scoring.reward import BleuReward, CiderReward, InventedObjects, Reward


@pytest.fixture
def references() -> list[list[list[int]]]:
    chance = random.Random(1)
    return [[[chance.randint(4, 30) for _ in range(chance.randint(5, 12))] for _ in range(5)] for _ in range(40)]


@pytest.fixture
def said(references: list[list[list[int]]]) -> list[list[int]]:
    """A sentence of each photo that has something of two references; some are shorter than all of them."""
    return [sentences[0][: 4 + at % 3] + sentences[1][2 : 2 + at % 4] for at, sentences in enumerate(references)]


def as_text(tokens: list[int]) -> str:
    return " ".join(map(str, tokens))


def test_the_reward_is_coco_captions_cider(references: list[list[list[int]]], said: list[list[int]]) -> None:
    reward = CiderReward(references, len(references))
    truth = {at: [as_text(sentence) for sentence in sentences] for at, sentences in enumerate(references)}
    _, expected = Cider().compute_score(truth, {at: [as_text(sentence)] for at, sentence in enumerate(said)})
    assert [reward(at, [sentence])[0] for at, sentence in enumerate(said)] == pytest.approx(list(expected), abs=1e-9)


def test_bleu_is_torchmetrics_smoothed_bleu(references: list[list[list[int]]], said: list[list[int]]) -> None:
    from torchmetrics.functional.text import bleu_score  # after training, which makes torchvision importable

    reward = BleuReward(references)
    for at, sentence in enumerate(said):
        # Of two references equally far in length the shorter counts, as in coco-caption; torchmetrics takes the first.
        truth = [as_text(tokens) for tokens in sorted(references[at], key=len)]
        expected = float(bleu_score([as_text(sentence)], [truth], smooth=True))
        assert expected > 0.2
        assert reward(at, [sentence]) == [pytest.approx(expected, abs=1e-6)]


def test_bleu_without_a_four_gram_in_common_is_small_but_not_nothing() -> None:
    reward = BleuReward([[[4, 5, 6, 7, 8]]])
    same, scrambled, strange = reward(0, [[4, 5, 6, 7, 8], [4, 5, 8, 6, 7], [20, 21, 22, 23, 24]])
    assert same == pytest.approx(1)
    assert scrambled == pytest.approx((5 / 5 * 3 / 5 * 1 / 4 * 1 / 3) ** 0.25)  # Lin and Och: bigrams 2+1 of 4+1
    assert strange == 0


def test_a_sentence_too_short_is_punished_by_bleu() -> None:
    (short,) = BleuReward([[[4, 5, 6, 7, 8, 9]]])(0, [[4, 5, 6, 7]])
    assert short == pytest.approx(math.exp(1 - 6 / 4))


def test_scores_are_added_with_their_weights(references: list[list[list[int]]], said: list[list[int]]) -> None:
    judges = CiderReward(references, len(references)), BleuReward(references)
    (cider,), (bleu,) = (judge(3, [said[3]]) for judge in judges)
    assert Reward(zip((2.0, 0.5), judges, strict=True))(3, [said[3]]) == [pytest.approx(2 * cider + 0.5 * bleu)]
    assert Reward(zip((0.0, 0.0), judges, strict=True))(3, [said[3]]) == [0]
    assert Reward([(1.0, judges[0])], [0.25] * 4)(3, [said[3]]) == [pytest.approx(cider / 4)]


def test_objects_that_no_reference_names_are_counted() -> None:
    words = ["a", "man", "person", "with", "dog", "umbrella", "runs"]
    vocabulary = Vocabulary([*SPECIAL, *words])
    encoded = [vocabulary.encode(text.split()) for text in ("a man runs", "a man with a dog")]
    invented = InventedObjects([encoded], vocabulary)
    said = ("a man runs", "a person with a dog", "a man with a umbrella", "a dog with a umbrella with a umbrella")
    assert invented(0, [[*vocabulary.encode(text.split()), END] for text in said]) == [0, 0, -1, -1]


def test_an_ngrams_number_tells_its_length_and_its_words() -> None:
    counts = count_ngrams([4, 5, 4, 5, 65_535])
    assert counts[4 << 16 | 5] == 2
    assert sorted(length_of(ngram) for ngram in counts) == [1] * 3 + [2] * 3 + [3] * 3 + [4] * 2


def test_frequencies_count_photos_not_sentences() -> None:
    frequencies = Frequencies([[[4, 5], [4, 6]], [[4, 6]], [[7]]])
    assert frequencies.of([4, 5, 6, 4 << 16 | 6, 7, 8]).tolist() == [2, 1, 2, 2, 1, 1]
    assert Frequencies([[[4]]]).of([4]).tolist() == [1]
