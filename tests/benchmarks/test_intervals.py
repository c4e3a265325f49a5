from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.bleu.bleu_scorer import BleuScorer

from benchmarks.intervals import bleu_4, bleu_interval, mean_interval

WORDS = ["a", "red", "dog", "runs", "over", "the", "green", "grass", "beside", "one", "tall", "man"]


def sentences(photos: int, seed: int) -> tuple[dict[int, list[str]], dict[int, list[str]]]:
    """Make references, and captions that share runs of words with them."""
    chance = np.random.default_rng(seed)
    references, said = {}, {}
    for photo in range(photos):
        words = list(chance.choice(WORDS, (3, 9)))
        references[photo] = [" ".join(sentence[: chance.integers(6, 10)]) for sentence in words]
        said[photo] = [" ".join([*words[0][:5], *words[1][5 : chance.integers(6, 9)]])]
    return references, said


def counts(references: dict[int, list[str]], said: dict[int, list[str]]) -> NDArray[np.int64]:
    scorer = BleuScorer(n=4)
    for photo, (sentence,) in said.items():
        scorer += (sentence, references[photo])
    closest = [min(one["reflen"], key=lambda length: (abs(length - one["testlen"]), length)) for one in scorer.ctest]
    rows = zip(scorer.ctest, closest, strict=True)
    return np.array([[one["testlen"], length, *one["guess"], *one["correct"]] for one, length in rows])


def test_bleu_of_summed_counts_is_coco_captions() -> None:
    references, said = sentences(50, seed=1)
    expected = Bleu(4).compute_score(references, said, verbose=0)[0][3]
    assert 0.2 < expected < 0.9
    assert bleu_4(counts(references, said).sum(0)) == pytest.approx(expected, abs=1e-12)


def test_bleus_interval_is_that_of_resampled_photos_scored_anew() -> None:
    references, said = sentences(60, seed=2)
    chance = np.random.default_rng(5)
    draws = [chance.integers(0, 60, 60) for _ in range(400)]
    drawn = [
        Bleu(4).compute_score(
            {at: references[photo] for at, photo in enumerate(draw)},
            {at: said[photo] for at, photo in enumerate(draw)},
            verbose=0,
        )[0][3]
        for draw in draws
    ]
    # Both are estimates: of 400 and of 2,000 draws.
    assert bleu_interval(counts(references, said)) == pytest.approx(np.percentile(drawn, [2.5, 97.5]), abs=0.01)


def test_a_means_interval_is_the_normal_one_where_that_holds() -> None:
    scores = np.random.default_rng(3).normal(0.5, 0.4, 1000)
    half = 1.96 * scores.std() / 1000**0.5
    assert mean_interval(scores) == pytest.approx((scores.mean() - half, scores.mean() + half), abs=0.1 * half)


def test_the_same_scores_give_the_same_interval() -> None:
    scores = np.random.default_rng(4).random(100)
    assert mean_interval(scores) == mean_interval(scores)
