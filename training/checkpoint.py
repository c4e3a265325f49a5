"""The trained model as a file: weights, sizes, vocabulary and what it was trained on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import torch

from edge_caption.errors import BundleError
from edge_caption.vocabulary import Vocabulary
from training.model import CaptionModel, Dimensions


@dataclass(frozen=True)
class Checkpoint:
    """A trained captioner."""

    model: CaptionModel
    vocabulary: Vocabulary
    trained_on: dict[str, Any] = field(default_factory=dict)
    """Recipe, data set, dev scores: goes into the bundle's manifest."""
    languages: tuple[str, ...] = ("en",)
    """That it speaks; the first begins its sentences with START."""

    def save(self, file: Path) -> None:
        """Write it, whole or not at all."""
        content = {
            "model": self.model.state_dict(),
            "dimensions": msgspec.to_builtins(self.model.size),
            "words": list(self.vocabulary.words),
            "trained_on": self.trained_on,
            "languages": list(self.languages),
        }
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".partial")
        torch.save(content, partial)
        partial.replace(file)


def load_checkpoint(file: Path) -> Checkpoint:
    """Read what `save` wrote.

    Raises:
        BundleError: the file is missing, cut short or no checkpoint of this program.
    """
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
        size = msgspec.convert(content["dimensions"], Dimensions)
        vocabulary = Vocabulary(content["words"])
        model = CaptionModel(size, len(vocabulary))
        model.load_state_dict(content["model"])
        return Checkpoint(model.eval(), vocabulary, content["trained_on"], tuple(content["languages"]))
    except Exception as error:  # torch.load raises a dozen kinds
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BundleError(f"{file} is no checkpoint of this version ({reason}); train or copy it again") from error
