"""Where a captioner's sentences come from: the sources of a mixture, as a recipe's `[[sources]]` name them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from training.languages import LANGUAGES

SourceName = Annotated[str, msgspec.Meta(pattern=r"^\S[^\n|]*\Z")]
"""It heads a column of the log and a row of the model card's table."""

Factor = Annotated[float, msgspec.Meta(gt=0, le=1000)]


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A caption file and the folder of its photos. Paths are relative to the folder that `--data` gives."""

    name: SourceName
    captions: str
    dev_captions: str | None = None
    """Where dev is in a file of its own, as in COCO."""
    photos: str = "."
    language: str = "en"
    """Of its sentences, one of training.languages.LANGUAGES."""
    weight: Factor = 1.0
    """How often each of its photos comes in an epoch. 0.5: every second epoch, on average."""
    trust: Factor = 1.0
    """Weight of its sentences in the loss."""
    written_by: Literal["people", "models"] = "people"
    """Sentences by models are never in dev, and reward nothing where people wrote of the same photo."""
    terms: str = "not stated"
    """Terms of use, for the model card."""

    def __post_init__(self) -> None:
        """Refuse a language that can't be read.

        Raises:
            ValueError: the language is unknown.
        """
        if self.language not in LANGUAGES:
            raise ValueError(f"there is no language {self.language!r}; choose one of: {', '.join(LANGUAGES)}")
