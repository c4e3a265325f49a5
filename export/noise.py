"""How much of what the encoder sees is rounding's noise, and which convolutions add most of it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from edge_caption.model.backends.onnx import OnnxSession
from edge_caption.model.encoder import Encoder, Floats

Images = Sequence[NDArray[np.uint8]]
"""Encoder inputs."""

Quantize = Callable[[Collection[str]], ModelProto]
"""Names of the convolutions that stay in float -> the quantized encoder."""


def regions_of(encoder: ModelProto, images: Images) -> Floats:
    """Return what an encoder sees: shape (images, R, D) behind a first dimension of 1 an image."""
    see = Encoder(session_of(encoder, 0))
    return np.stack([see(image).regions.astype(np.float32) for image in images])


def decibels(actual: Floats, expected: Floats) -> float:
    """Return 10 log10 of the signal's power over the noise's."""
    return float(10 * np.log10(np.square(expected).sum() / np.square(actual - expected).sum()))


def noisiest(encoder: ModelProto, names: Sequence[str], quantize: Quantize, images: Images) -> list[str]:
    """Rank convolutions by how much clearer all is with that one in float, the worst first."""
    expected = regions_of(encoder, images)
    clearer = {name: decibels(regions_of(quantize((name,)), images), expected) for name in names}
    return sorted(names, key=lambda name: -clearer[name])


def session_of(model: ModelProto, threads: int) -> OnnxSession:
    """Make a graph that is no file ready to run."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "graph.onnx"
        file.write_bytes(model.SerializeToString())
        return OnnxSession(file, threads)
