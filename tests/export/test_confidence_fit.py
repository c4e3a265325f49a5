from __future__ import annotations

import numpy as np
import pytest

from edge_caption.model.caption import Caption, ModelIdentity, Scene, Word
from export.confidence_fit import BINS, Bools, Floats, Learnt, figures, fit, fit_confidence, out_of_fold, reliability

WEIGHTS = np.array([1.5, -0.2])


def captions(count: int, seed: int = 0) -> tuple[Floats, Bools, Floats]:
    """Return features, whether each caption is right, and the probability by which that was drawn."""
    random = np.random.default_rng(seed)
    known = np.column_stack([random.normal(-1, 0.4, count), random.integers(5, 16, count)])
    probability = 1 / (1 + np.exp(-(2.5 + known @ WEIGHTS)))
    return known, random.random(count) < probability, probability


def test_the_fit_finds_the_weights_that_drew_the_labels() -> None:
    known, judged, _ = captions(40_000)
    assert fit(known, judged) == pytest.approx([2.5, *WEIGHTS], abs=0.15)


def test_probabilities_out_of_fold_mean_what_they_say() -> None:
    known, judged, probability = captions(4000)
    predicted = out_of_fold({1: known}, {1: judged})[1]
    assert np.abs(predicted - probability).mean() < 0.03
    of = figures(predicted, judged)
    assert of["ece"] < 0.04
    assert of["auroc"] > 0.6
    assert of["brier"] < judged.mean() * (1 - judged.mean())
    assert of["mean_confidence"] == pytest.approx(of["right"], abs=0.01)


def test_no_photo_is_in_the_fit_that_predicts_it_whatever_the_beam() -> None:
    known, judged, _ = captions(50)
    turned = judged.copy()
    turned[7] = ~turned[7]
    before = out_of_fold({1: known, 3: known}, {1: judged, 3: judged})
    after = out_of_fold({1: known, 3: known}, {1: turned, 3: judged})
    same = np.arange(50) % 5 == 7 % 5
    for beam in (1, 3):
        assert np.array_equal(before[beam][same], after[beam][same])
        assert not np.isclose(before[beam][~same], after[beam][~same], rtol=0, atol=1e-9).any()


def test_strange_pictures_and_each_set_have_figures_of_their_own() -> None:
    model = ModelIdentity("m", "0", "fp32", "onnxruntime")

    def caption(text: str, contrast: float) -> Caption:
        words = tuple(Word(word, -0.5, np.ones((1, 1), np.float32)) for word in text.split())
        return Caption(text, words, -3.0, 0.5, {}, model, scene=Scene(np.full(2, contrast, np.float32), contrast))

    references = [("a dog runs on the grass",), ("a cat sits on a couch",)] * 20
    said = [caption(group[0] if at % 4 else "a boat", 3.4 + at % 3 / 10) for at, group in enumerate(references)]
    strange = [caption("a dog runs on the grass", 2.0 + at / 10) for at in range(8)]
    sets = {"one": range(20), "two": range(20, 40)}
    fitted = fit_confidence({1: said}, references, {1: strange}, sets, Learnt(said, references))
    assert fitted.contrast > 0.5
    assert {name: of["captions"] for name, of in fitted.figures.items()} == {
        "beam_1": 40,
        "one, greedy": 20,
        "two, greedy": 20,
        "right_or_strange, greedy": 38,
    }
    assert fitted.figures["right_or_strange, greedy"]["auroc"] > 0.95


def test_kinds_of_pictures_and_objects_that_are_often_told_wrong_have_less_confidence() -> None:
    """Boats are always wrong; so is every second picture of a kind that the first number of the mean region tells."""
    random = np.random.default_rng(3)
    kinds = random.integers(0, 2, 200)
    said = [boat_or_dog(at, int(kinds[at]), random) for at in range(200)]
    references = [("a dog runs",) if at % 5 and (at % 2 or not kinds[at]) else ("a house",) for at in range(200)]
    fitted = fit_confidence({1: said}, references, {1: []}, {"all": range(200)}, Learnt(said, references))
    assert fitted.objects["boat"] < fitted.objects["dog"]
    assert fitted.regions[0] < -0.1 < fitted.regions[1] < 0.1
    known, strange, boat = (boat_or_dog(at, kind, random) for at, kind in ((1, 0), (1, 1), (0, 0)))
    assert fitted.probability(known) > fitted.probability(strange) > fitted.probability(boat)
    assert fitted.figures["beam_1"]["auroc"] > 0.8


def boat_or_dog(at: int, kind: int, random: np.random.Generator) -> Caption:
    text = "a dog runs" if at % 5 else "a boat"
    words = tuple(Word(word, -0.5, np.ones((1, 1), np.float32)) for word in text.split())
    scene = Scene(np.array([kind, random.normal()], np.float32), 3.4)
    return Caption(text, words, -3.0, 0.5, {}, ModelIdentity("m", "0", "fp32", "onnxruntime"), scene=scene)


@pytest.mark.parametrize("judged", [[True] * 6, [False] * 6, [True, False] * 3])
def test_a_handful_of_captions_gives_no_extreme_probability(judged: list[bool]) -> None:
    known = np.array([[-1.0, 9.0]] * 5 + [[-0.2, 9.0]])
    intercept, *weights = fit(known, np.array(judged))
    assert (np.abs(intercept + known @ weights) < 3).all()


def test_the_diagram_has_equally_full_bins_in_order() -> None:
    _, judged, probability = captions(1003)
    bins = reliability(probability, judged)
    assert len(bins) == BINS
    assert sum(of["captions"] for of in bins) == 1003
    assert max(of["captions"] for of in bins) - min(of["captions"] for of in bins) <= 1
    assert [of["confidence"] for of in bins] == sorted(of["confidence"] for of in bins)


def test_confidence_that_says_the_same_of_all_tells_nothing_apart() -> None:
    judged = np.array([True, False, False, False])
    assert figures(np.full(4, 0.25), judged) == {
        "captions": 4,
        "right": 0.25,
        "mean_confidence": 0.25,
        "brier": 0.1875,
        "auroc": 0.5,
        "ece": pytest.approx(0.375),  # one caption a bin: each is wholly right or wholly wrong
    }
    assert figures(np.full(4, 0.25), np.zeros(4, bool))["auroc"] is None
