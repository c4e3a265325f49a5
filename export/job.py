"""What to export, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_caption.errors import ConfigError
from export.flavours import FLAVOURS, REFERENCE
from export.write_bundle import check_target
from training.data.captioned_photos import CaptionedPhoto
from training.model.checkpoint import Checkpoint


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to export, and how."""

    checkpoint: Checkpoint
    train: Sequence[CaptionedPhoto]
    """Calibration takes a sample of them."""
    dev: Mapping[str, Sequence[CaptionedPhoto]]
    """Language -> what the flavours are scored on; the gate and the confidence look at the checkpoint's first."""
    out: Path
    name: str
    version: str
    flavours: Sequence[str]
    """Which go into the bundle; fp32 is made besides, for it is what they are measured against."""
    method: str
    calibration_photos: int
    calibration: Path | None
    """A table made before, to be used again."""
    gate: float
    """CIDEr that a flavour may lose against fp32."""
    before: Path | None = None
    """The bundle that the checkpoint adapts, to be compared with."""
    test: Sequence[CaptionedPhoto] = ()
    """Photos that chose nothing, for that comparison."""
    force: bool = False
    """Write what is worse than `before`, too."""
    specific: float = 0.0
    """The bundle's default; all figures are measured with it."""
    sure: float = 0.0
    """The bundle's default, too."""
    kept: Sequence[str] = ()
    """Convolutions of the encoder that stay in float."""
    decoder_bits: int = 8
    """Of a weight of the decoder for processors and of trt's: 8 or 4."""

    @property
    def language(self) -> str:
        """The one that the gate and the confidence look at."""
        return self.checkpoint.languages[0]

    @property
    def made(self) -> tuple[str, ...]:
        """The flavours that are made."""
        return tuple(dict.fromkeys((REFERENCE, *self.flavours)))

    def check(self) -> None:
        """Refuse, before any work, what could not be written in the end.

        Raises:
            ConfigError: a flavour is unknown, a language has no dev photos, or `out` can't be a bundle.
        """
        if unknown := sorted(set(self.flavours) - set(FLAVOURS)):
            raise ConfigError(f"there is no flavour {unknown[0]}; choose of: {', '.join(FLAVOURS)}")
        if missing := sorted(set(self.checkpoint.languages) - set(self.dev)):
            raise ConfigError(
                f"the checkpoint speaks {missing[0]}; give --captions {missing[0]}=FILE too, to score that"
            )
        check_target(self.out)
