"""A recipe: all that a training run is made of, in one TOML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from edge_caption.errors import ConfigError
from edge_caption.text import decode_toml, read_text
from training.model.caption_model import Count, Dimensions, Side
from training.sources import Source

Name = Annotated[str, msgspec.Meta(pattern=r"^[\w-][\w.-]*\Z")]
"""It names files."""

Amount = Annotated[float, msgspec.Meta(ge=0, le=1e6)]
Share = Annotated[float, msgspec.Meta(ge=0, lt=1)]


class Stage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One pass of optimisation; stages follow one another on the same weights."""

    name: Name
    kind: Literal["cross-entropy", "self-critical", "adversarial"] = "cross-entropy"
    epochs: Count
    side: Side | None = None
    """Width and height of what the encoder sees from this stage on, in pixels; as before if None.

    A smaller picture is seen in less time, so early stages may take one; a larger shows more.
    """
    learning_rate: Amount
    """Of the projection and the decoder, at its highest; it then falls along a cosine."""
    encoder_learning_rate: Amount = 0.0
    """Of the backbone; 0 keeps it frozen, and its features are computed once."""
    encoder_frozen: Share = 0.0
    """Share of the backbone's weights that stay as they are, from the pixels on: edges are the same in all photos."""
    photos_per_step: Count = 64
    """Of all processes together."""
    captions_per_photo: Count = 5
    augment: bool = True
    """Crop, mirror and recolour train photos at random; of features that were computed once, mirror them."""
    degrade: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    """Share of train photos that are seen as by a dark or poor camera: training.data.degrade."""
    attack: Annotated[int, msgspec.Meta(ge=0, le=16)] = 0
    """Cross-entropy: most that a pixel (0-255) of an adversarial photo is moved by; 0 for none. FGSM, one step."""
    attack_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    """Share of the steps whose photos are adversarial, which take about twice as long."""
    dropout: Share = 0.4
    """Of words, states and outputs; the backbone's channels get half of it."""
    stochastic_depth: Share = 0.0
    """How often EfficientNet-Lite's last block, where it learns, is left out of a photo (Huang et al. 2016); earlier
    ones less."""
    label_smoothing: Share = 0.1
    weight_decay: Amount = 0.01
    ema: Share = 0.99
    """Decay of the averaged weights, which are what is scored and kept."""
    attention_penalty: Amount = 0.1
    """Weight of (1 - how much a region was looked at)^2: Xu et al. 2015's doubly stochastic attention."""
    scheduled_sampling: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    """Cross-entropy: at its end, the share of words before that are the captioner's own (Bengio et al. 2015)."""
    samples: Annotated[int, msgspec.Meta(ge=2)] = 5
    """Self-critical, adversarial: sentences said of each photo, each other's baseline."""
    cross_entropy_weight: Amount = 0.2
    """Self-critical, adversarial: weight of the cross-entropy that stays in the loss."""
    cider_weight: Amount = 1.0
    """Self-critical, adversarial: weight of CIDEr-D (1 is a good human's) in the reward."""
    bleu_weight: Amount = 0.0
    """Self-critical, adversarial: weight of BLEU-4 (0-1) in the reward."""
    invention_weight: Amount = 0.0
    """Self-critical, adversarial: what the reward loses for each object that no reference of the photo names."""
    discriminator_weight: Amount = 1.0
    """Adversarial: weight in the reward of how likely (0-1) a person wrote the sentence."""
    discriminator_learning_rate: Amount = 1e-3

    def __post_init__(self) -> None:
        """Refuse what can't be meant.

        Raises:
            ValueError: the backbone is frozen, and the stage needs it to learn.
        """
        if self.attack and not (self.encoder_learning_rate and self.kind == "cross-entropy"):
            raise ValueError(
                f"the stage {self.name} can't learn from adversarial photos; "
                "set attack to 0, or make it a cross-entropy stage with an encoder_learning_rate above 0"
            )
        if self.degrade and not self.encoder_learning_rate:
            raise ValueError(
                f"the stage {self.name} computes features once, of photos as they are; "
                "set degrade to 0 or encoder_learning_rate above 0"
            )


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A training run."""

    name: Name
    min_count: Count = 5
    """Words seen less often in train are <unknown>."""
    max_words: Count = 18
    """Longer sentences are cut in training."""
    seed: Annotated[int, msgspec.Meta(ge=0, lt=2**32)] = 1
    model: Dimensions = Dimensions()
    sources: tuple[Source, ...] = ()
    """What it learns from, where that is a mixture; else `--captions` and `--photos` say it."""
    stages: Annotated[tuple[Stage, ...], msgspec.Meta(min_length=1)]

    def __post_init__(self) -> None:
        """Refuse stages that can't follow one another.

        Raises:
            ValueError: two have one name, or the backbone makes no region of a stage's picture.
        """
        if len({source.name for source in self.sources}) < len(self.sources):
            raise ValueError("two sources have one name; give each its own")
        if len({stage.name for stage in self.stages}) < len(self.stages):
            raise ValueError("two stages have one name; give each its own")
        for stage in self.stages:
            msgspec.structs.replace(self.model, side=stage.side or self.model.side)


def load_recipe(file: Path) -> Recipe:
    """Read a recipe.

    Raises:
        ConfigError: the file is missing, or a setting is unknown, of the wrong type or out of its range.
    """
    try:
        return decode_toml(read_text(file), Recipe)
    except OSError as error:
        raise ConfigError(f"the recipe {file} can't be read ({error.strerror}); check the path") from error
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ConfigError(f"the recipe {file} is wrong: {error}; mend it") from error
