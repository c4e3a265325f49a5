"""Whether confidence means what it says: of captions with 40% confidence, are 40% right?

Right is what training/scoring/correctness.py says, which is not a person's judgement. Three kinds of confidence are
compared on the same captions: the mean probability of the words, as from a bundle without a calibration; a calibration
that is fitted here, each caption by a fit that saw none of its photo; and the one in the bundle, which is honest on
photos that the export did not use (it uses dev).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.captions import check_english
from benchmarks.quality import caption_files
from edge_caption.errors import ConfigError
from edge_caption.model.bundle import open_bundle
from edge_caption.model.caption import Caption
from edge_caption.model.captioner import Captioner
from edge_caption.model.confidence import mean_probability
from export.confidence_fit import FOLDS, Bools, Floats, features_of, figures, out_of_fold, reliability
from training.data.captioned_photos import CaptionedPhoto
from training.scoring.correctness import MEANING, are_correct

FLOORS = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6)
"""`min_confidence` to show the effect of."""


def measure(
    bundle: Path | None, flavour: str | None, beams: Sequence[int], photos: Sequence[CaptionedPhoto]
) -> dict[str, Any]:
    """Caption photos with each beam, judge the captions, and hold confidence against that.

    Raises:
        ConfigError: there are too few photos, or sentences are in a language whose objects have no list.
    """
    check_english(photos)
    if len(photos) < FOLDS:
        raise ConfigError(f"{len(photos)} photos can't be cut into {FOLDS} parts, each judged by the others; give more")
    references = [photo.captions for photo in photos]
    captioners = {beam: Captioner(bundle, flavour=flavour, beam=beam) for beam in beams}
    said = {beam: caption_files(captioner, photos, f"beam {beam}") for beam, captioner in captioners.items()}
    judged = {beam: np.array(are_correct([caption.text for caption in of], references)) for beam, of in said.items()}
    fitted = out_of_fold({beam: features_of(of) for beam, of in said.items()}, judged)
    return {
        "photos": len(photos),
        "flavour": captioners[beams[0]].model.flavour,
        "right_means": MEANING,
        "beams": {
            f"beam_{beam}": {
                name: {**figures(predicted, judged[beam]), "reliability": reliability(predicted, judged[beam])}
                for name, predicted in _kinds(bundle, said[beam], fitted[beam]).items()
            }
            for beam in beams
        },
        "floors": {f"beam_{beam}": _floors(fitted[beam], judged[beam]) for beam in beams},
    }


def _kinds(bundle: Path | None, said: Sequence[Caption], fitted: Floats) -> dict[str, Floats]:
    """Return each kind of confidence that there is in the captions."""
    mean = np.array([mean_probability(caption.log_prob, len(caption.words)) for caption in said])
    kinds = {"mean_probability": mean, "out_of_fold": fitted}
    if open_bundle(bundle).manifest.confidence is not None:
        kinds["bundle"] = np.array([caption.confidence for caption in said])
    return kinds


def _floors(confidence: Floats, judged: Bools) -> list[dict[str, float | None]]:
    """Return what a floor under the (out-of-fold) confidence lets through, and how much of that is right."""
    kept = [(floor, judged[confidence >= floor]) for floor in FLOORS]
    return [
        {
            "min_confidence": floor,
            "published": round(len(of) / len(judged), 4),
            "right": round(float(of.mean()), 4) if len(of) else None,
        }
        for floor, of in kept
    ]
