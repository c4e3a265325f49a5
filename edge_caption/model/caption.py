"""What the captioner says of a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_caption.images.frame import Frame

Box = tuple[float, float, float, float]
"""Left, top, right, bottom as fractions (0-1) of the picture's width and height."""


class ModelIdentity(msgspec.Struct, frozen=True):
    """Which model captions."""

    name: str
    sha256: str
    """Of the bundle's manifest, which holds those of all files."""
    flavour: str
    backend: str
    """What runs the graphs: `onnxruntime`, or both names where encoder and decoder differ."""
    version: str = ""
    """Of the bundle; empty in records that were made before it was told."""


@dataclass(frozen=True)
class Word:
    """One word and where the captioner looked when it said it."""

    text: str

    log_prob: float
    """Natural logarithm of the word's probability, given the words before it."""

    attention: NDArray[np.float32]
    """Shape (rows, columns), sums to 1: the weight of each region of the picture."""

    @property
    def box(self) -> Box:
        """The smallest rectangle around the regions with at least half the strongest weight."""
        rows, columns = np.nonzero(self.attention >= self.attention.max() / 2)
        height, width = self.attention.shape
        return (
            round(float(columns.min()) / width, 4),
            round(float(rows.min()) / height, 4),
            round(float(columns.max() + 1) / width, 4),
            round(float(rows.max() + 1) / height, 4),
        )


@dataclass(frozen=True)
class Scene:
    """What of a picture's regions tells whether the captioner knows its kind."""

    mean: NDArray[np.float32]
    """Of the regions; shape (D,)."""

    contrast: float
    """How much the regions differ from one another, as a logarithm.

    Plain pictures, noise and text excite the encoder little, and everywhere alike; photos of things do not.
    """


@dataclass(frozen=True)
class Caption:
    """A sentence about a picture."""

    text: str

    words: tuple[Word, ...]

    log_prob: float
    """Natural logarithm of the whole sentence's probability, its end included."""

    confidence: float
    """How probable it is that the sentence is right, 0-1; what that means is in the bundle's manifest.

    From a bundle without a calibration it is the geometric mean of the probabilities of the words and of the sentence's
    end, which says nothing of right and wrong.
    """

    stages_ms: Mapping[str, float]
    """Milliseconds spent in each stage: preprocess, encode, decode."""

    model: ModelIdentity
    """Which model said it."""

    language: str = "en"
    """ISO 639-1 code."""

    doubtful: bool = False
    """Whether it is wrong more often than right, by a calibrated confidence; False without one."""

    scene: Scene | None = None
    """What tells whether the captioner knows such pictures; the confidence looks at it."""


@dataclass(frozen=True)
class CaptionedFrame(Frame):
    """A frame and what the captioner said of it."""

    caption: Caption
