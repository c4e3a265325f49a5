from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from edge_caption.images.frame import Pixels
from edge_caption.model.captioner import Captioner
from edge_caption.model.confidence import Confidence, contrast_of, mean_probability
from export.strange import strange_pictures
from tests.conftest import write_manifest

CALIBRATION = {
    "meaning": "as the test says",
    "intercept": 1.0,
    "mean_log_prob": 2.0,
    "words": -0.1,
    "contrast": 0.3,
    "figures": {"beam_1": {"ece": 0.03}},
}


def calibrate(bundle: Path, **changes: float) -> Path:
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
    score = 1 + 2 * caption.log_prob / (len(caption.words) + 1) - 0.1 * len(caption.words) + 0.3 * caption.contrast
    assert caption.confidence == pytest.approx(1 / (1 + math.exp(-score)))
    assert before.confidence == pytest.approx(mean_probability(before.log_prob, len(before.words)))


@pytest.mark.parametrize("beam", [1, 3])
def test_one_regression_serves_every_search(tiny_bundle: Path, picture: Pixels, beam: int) -> None:
    caption = Captioner(calibrate(tiny_bundle, mean_log_prob=0.0, words=0.0, contrast=0.0), beam=beam).caption(picture)
    assert caption.confidence == pytest.approx(1 / (1 + math.exp(-1)))


def test_a_picture_that_shows_nothing_has_less_contrast_than_photos(demo_photos: list[Path]) -> None:
    captioner = Captioner(beam=1, threads=1)
    strange = [captioner.caption(picture).contrast for picture in strange_pictures(demo_photos, 8)]
    assert max(strange[:4]) < min(captioner.caption(photo).contrast for photo in demo_photos)
    assert contrast_of(np.zeros((1, 9, 4), np.float32)) < -10


def test_a_bundle_without_a_calibration_says_so(tiny_captioner: Captioner) -> None:
    assert not tiny_captioner.calibrated


@pytest.mark.parametrize("log_prob", [0.0, -3.5, -1e9, -math.inf])
def test_no_sentence_is_too_unlikely_for_a_probability(log_prob: float) -> None:
    regression = Confidence(meaning="", intercept=0.5, mean_log_prob=3.0, words=0.0, figures={})
    assert 0 <= regression.probability(log_prob, 9, 3.4) <= 1
