"""The trained model as a file: weights, sizes, vocabulary and what it was trained on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import torch

from edge_caption.errors import BundleError, ConfigError
from edge_caption.files import writing
from edge_caption.model.bundle import folder_of, open_bundle
from edge_caption.model.vocabulary import Vocabulary
from training.model.caption_model import CaptionModel, Dimensions
from training.model.checksum import check_whole
from training.model.recover import recover
from training.sources import Source


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
        with writing(file) as fresh:
            torch.save(content, fresh)

    def sources(self) -> list[Source]:
        """Return the mixture that it learnt from.

        Raises:
            ConfigError: it learnt from no mixture.
        """
        named = self.trained_on.get("recipe", {}).get("sources")
        if not named:
            raise ConfigError("the checkpoint's recipe names no sources; give --captions and --photos")
        return msgspec.convert(named, list[Source])

    def with_words(self, vocabulary: Vocabulary, languages: tuple[str, ...]) -> Checkpoint:
        """Return this captioner with another vocabulary: what it knows keeps its weights, all else begins anew.

        A language's start is the same by whatever word it is written: START is that of the first language.
        """
        if (vocabulary.words, languages) == (self.vocabulary.words, self.languages):
            return self
        model = CaptionModel(self.model.size, len(vocabulary))
        ours, theirs = self.model.decoder, model.decoder
        model.encoder.load_state_dict(self.model.encoder.state_dict())
        own_words = {"embedding.weight", "word_bias"}
        theirs.load_state_dict({k: v for k, v in ours.state_dict().items() if k not in own_words}, strict=False)
        tokens = {word: token for token, word in enumerate(self.vocabulary.words)}
        known = {token: tokens[word] for token, word in enumerate(vocabulary.words) if word in tokens}
        both = set(languages) & set(self.languages)
        known |= {vocabulary.start(language): self.vocabulary.start(language) for language in both}
        places, rows = list(known), list(known.values())
        with torch.no_grad():
            theirs.word_bias.fill_(float(ours.word_bias.mean()))
            theirs.word_bias[places] = ours.word_bias[rows]
            theirs.embedding.weight[places] = ours.embedding.weight[rows]
        return Checkpoint(model.eval(), vocabulary, self.trained_on, languages)


def load_checkpoint(file: Path) -> Checkpoint:
    """Read what `save` wrote, or, of a bundle's folder, the captioner that it was made of.

    Raises:
        BundleError: the file is missing, cut short, altered or no checkpoint of this program; or the bundle can't be
            read back.
    """
    if (folder := folder_of(file)).is_dir():
        bundle = open_bundle(folder)
        manifest = bundle.manifest
        return Checkpoint(recover(bundle), bundle.vocabulary(), manifest.training, tuple(manifest.languages))
    try:
        check_whole(file)
        content = torch.load(file, map_location="cpu", weights_only=True)
        size = msgspec.convert(content["dimensions"], Dimensions)
        vocabulary = Vocabulary(content["words"])
        model = CaptionModel(size, len(vocabulary))
        model.load_state_dict(content["model"])
        return Checkpoint(model.eval(), vocabulary, content["trained_on"], tuple(content["languages"]))
    except Exception as error:  # torch.load raises a dozen kinds, most of which speak of PyTorch's own affairs
        reason = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
        raise BundleError(f"{file} is no checkpoint of this version{reason}; train or copy it again") from error
