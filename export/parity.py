"""Proof that the fp32 graphs compute what the trained modules compute."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import ModelProto

from edge_caption.images.photos import read_photo
from edge_caption.model.bundle import Decoding
from edge_caption.model.preprocess import to_input
from edge_caption.model.vocabulary import END, START
from export.errors import ExportError
from training.model.caption_model import CaptionModel

TOLERANCE = 1e-4
"""Largest difference of any output, for one with values above 1 by its largest: float32 sums in another order differ by
about 1e-5 of it."""

Arrays = Sequence[NDArray[Any]]


@dataclass(frozen=True)
class Parity:
    """How far the graphs are from the modules."""

    photos: int
    encoder: float
    """Largest difference of regions, keys and first state, each for one or by its largest value."""
    decoder: float
    """Of log-probabilities, states and attention, at any step of a greedy sentence."""


def prove_parity(
    model: CaptionModel, encoder: ModelProto, decoder: ModelProto, photos: Iterable[Path], tolerance: float = TOLERANCE
) -> Parity:
    """Caption photos with both, each with its own states, and compare every output of every step.

    Raises:
        ExportError: an output is off by more than `tolerance`, or another word is said.
    """
    sessions = _session(encoder), _session(decoder)
    errors = [_compare(model, *sessions, photo, tolerance) for photo in photos]
    return Parity(len(errors), max(error[0] for error in errors), max(error[1] for error in errors))


def _session(model: ModelProto) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


@torch.no_grad()
def _compare(
    model: CaptionModel,
    encoder: onnxruntime.InferenceSession,
    decoder: onnxruntime.InferenceSession,
    photo: Path,
    tolerance: float,
) -> tuple[float, float]:
    image = to_input(read_photo(photo), model.size.side)
    seen = model.encoder(torch.from_numpy(image))
    regions, keys, state = encoder.run(None, {"image": image})
    expected = [part.numpy() for part in seen]
    encoder_error = _checked(expected, [regions, keys, state], f"the encoder's for {photo.name}", tolerance)
    torch_state, token, worst = seen.state[:, None], START, 0.0
    for step in range(Decoding().max_words):
        scores, torch_state, attention = model.decoder.step(
            torch.tensor([[token]]), torch_state, seen.regions, seen.keys
        )
        fed = {"token": np.array([token], np.int64), "state": state, "regions": regions, "keys": keys}
        outputs = decoder.run(None, fed)
        what = f"the decoder's at step {step + 1} for {photo.name}"
        expected = [part[0].numpy() for part in (scores, torch_state, attention)]
        worst = max(worst, _checked(expected, outputs, what, tolerance))
        state, token = outputs[1], int(outputs[0].argmax())
        if token != int(scores.argmax()):
            raise ExportError(
                f"the fp32 graph says another word than the checkpoint ({what}); this is a bug of the export"
            )
        if token == END:
            break
    return encoder_error, worst


def _checked(expected: Arrays, actual: Arrays, what: str, tolerance: float) -> float:
    pairs = zip(expected, actual, strict=True)
    error = max(float(np.abs(one - other).max() / max(1.0, np.abs(one).max())) for one, other in pairs)
    if not error <= tolerance:  # so that NaN fails
        raise ExportError(
            f"an fp32 output ({what}) is off by {error:.2g}, more than {tolerance:g}; this is a bug of the export"
        )
    return error
