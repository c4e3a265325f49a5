from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from edge_caption.errors import BundleError
from edge_caption.images.frame import Pixels
from edge_caption.model.caption import Caption, ModelIdentity, Word
from edge_caption.model.captioner import Captioner, Photo
from edge_caption.model.confidence import Confidence, mean_probability, scene_of
from edge_caption.model.objects import objects
from export.strange import strange_pictures
from tests.conftest import write_manifest

CALIBRATION = {
    "meaning": "as the test says",
    "intercept": 1.0,
    "mean_log_prob": 2.0,
    "words": -0.1,
    "contrast": 0.3,
    "object_log_prob": 0.7,
    "figures": {"beam_1": {"ece": 0.03}},
}


MODEL = ModelIdentity("m", "0", "fp32", "onnxruntime")


def calibrate(bundle: Path, **changes: object) -> Path:
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["confidence"] = {**CALIBRATION, **changes}
    write_manifest(bundle, manifest)
    return bundle


def test_a_calibrated_bundle_gives_the_probability_of_its_regression(tiny_bundle: Path, picture: Pixels) -> None:
    before = Captioner(tiny_bundle, beam=1).caption(picture)
    calibrated = Captioner(calibrate(tiny_bundle), beam=1)
    assert calibrated.calibrated
    caption = calibrated.caption(picture)
    assert (caption.text, caption.log_prob) == (before.text, before.log_prob)
    scene = scene_of(calibrated.encode(picture).seen.regions)
    named = [word.log_prob for word in caption.words if objects().of(word.text)]
    score = 1 + 2 * caption.log_prob / (len(caption.words) + 1) - 0.1 * len(caption.words) + 0.3 * scene.contrast
    score += 0.7 * sum(named) / len(named)
    assert caption.confidence == pytest.approx(1 / (1 + math.exp(-score)))
    assert before.confidence == pytest.approx(mean_probability(before.log_prob, len(before.words)))


@pytest.mark.parametrize("beam", [1, 3])
def test_one_regression_serves_every_search(tiny_bundle: Path, picture: Pixels, beam: int) -> None:
    nothing = dict.fromkeys(("mean_log_prob", "words", "contrast", "object_log_prob"), 0.0)
    caption = Captioner(calibrate(tiny_bundle, **nothing), beam=beam).caption(picture)
    assert caption.confidence == pytest.approx(1 / (1 + math.exp(-1)))


def test_what_is_seen_and_what_is_named_count(tiny_bundle: Path, picture: Pixels) -> None:
    before = Captioner(calibrate(tiny_bundle), beam=1).caption(picture)
    named = next(word.text for word in before.words if objects().of(word.text))
    assert before.scene
    weights = [0.0] * len(before.scene.mean)
    weights[3] = 0.5
    after = Captioner(calibrate(tiny_bundle, regions=weights, objects={named: -0.25}), beam=1).caption(picture)
    gained = 0.5 * float(before.scene.mean[3]) - 0.25
    assert logit(after.confidence) == pytest.approx(logit(before.confidence) + gained, abs=1e-4)


def test_a_confidence_of_another_encoder_is_refused(tiny_bundle: Path) -> None:
    with pytest.raises(BundleError, match="confidence of other regions"):
        Captioner(calibrate(tiny_bundle, regions=[0.5]))


def logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def test_a_picture_that_shows_nothing_has_less_contrast_than_photos(demo_photos: list[Path]) -> None:
    captioner = Captioner(beam=1, threads=1)

    def contrast(photo: Photo) -> float:
        return scene_of(captioner.encode(photo).seen.regions).contrast

    strange = [contrast(picture) for picture in strange_pictures(demo_photos, 8)]
    assert max(strange[:4]) < min(map(contrast, demo_photos))
    assert scene_of(np.zeros((1, 9, 4), np.float32)).contrast < -10


def test_what_is_wrong_more_often_than_right_is_doubtful(tiny_bundle: Path, picture: Pixels) -> None:
    for intercept, doubtful in ((-20.0, True), (20.0, False)):
        assert Captioner(calibrate(tiny_bundle, intercept=intercept)).caption(picture).doubtful is doubtful


def test_a_bundle_without_a_calibration_says_so(tiny_captioner: Captioner, picture: Pixels) -> None:
    assert not tiny_captioner.calibrated
    assert not tiny_captioner.caption(picture).doubtful


@pytest.mark.parametrize("log_prob", [0.0, -3.5, -1e9, -math.inf])
def test_no_sentence_is_too_unlikely_for_a_probability(log_prob: float) -> None:
    regression = Confidence(meaning="", intercept=0.5, mean_log_prob=3.0, words=0.0, figures={})
    caption = Caption("a dog", (Word("dog", log_prob, np.ones((1, 1), np.float32)),), log_prob, 0.0, {}, MODEL)
    assert 0 <= regression.probability(caption) <= 1
