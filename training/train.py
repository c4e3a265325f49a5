"""A recipe and a data set -> a checkpoint: the stages one after another, resumed where a run was cut."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning

from edge_caption.errors import ConfigError
from edge_caption.model.bundle import folder_of, open_bundle
from edge_caption.model.vocabulary import Vocabulary
from training.data.batches import Sentences
from training.data.captioned_photos import CaptionedPhoto
from training.data.splits import Data
from training.data.words import build_vocabulary
from training.digests import check_digests, digest_stages
from training.machines import THIS_MACHINE, Machines
from training.model.backbones import load_imagenet
from training.model.caption_model import CaptionModel
from training.model.checkpoint import Checkpoint, load_checkpoint
from training.recipe import Recipe
from training.run import Run
from training.scoring.scores import DevScorer


def train(
    recipe: Recipe,
    data: Data,
    weights: Path | None,
    folder: Path,
    start: Path | None = None,
    machines: Machines = THIS_MACHINE,
) -> Path:
    """Run every stage that has not finished yet in `folder`.

    Args:
        weights: the backbone's ImageNet weights, or None for torchvision's download.
        start: a checkpoint to go on from instead: its sizes take the place of the recipe's, and the words that it knows
            keep their weights.

    Returns:
        The last stage's checkpoint, `<folder>/<stage>.pt`.

    Raises:
        ConfigError: there are fewer GPUs than asked for, Java is missing, or `folder` can't be made or
            is another run already.
        KeyboardInterrupt: Ctrl-C; the same call goes on.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"the folder {folder} can't be made ({error.strerror}); give another --out") from error
    digests = digest_stages(recipe, data.splits, weights, start)
    check_digests(folder, digests)
    lightning.seed_everything(recipe.seed, verbose=False)
    current = _begin(recipe, data.train, weights, start)
    run = Run(
        recipe=recipe,
        data=data,
        sentences=_sentences(data, current.vocabulary, recipe.max_words),
        scorer=DevScorer(data.dev),
        folder=folder,
        digests=digests,
        machines=machines,
        origin=_origin(start, current) if start else {},
    )
    file = folder
    for stage in recipe.stages:
        file = folder / f"{stage.name}.pt"
        if not file.exists():
            run.run_stage(current, stage, file)
        current = load_checkpoint(file)
    return file


def _sentences(data: Data, vocabulary: Vocabulary, longest: int) -> dict[str, Sentences]:
    return {split: Sentences(photos, vocabulary, longest) for split, photos in data.splits.items()}


def _begin(recipe: Recipe, photos: Sequence[CaptionedPhoto], weights: Path | None, start: Path | None) -> Checkpoint:
    """Return what the first stage goes on from: `start` with the words of the photos, or a new captioner."""
    vocabulary = build_vocabulary(photos, recipe.min_count)
    languages = tuple(dict.fromkeys(photo.language for photo in photos))
    if start:
        return load_checkpoint(start).with_words(vocabulary, languages)
    model = CaptionModel(recipe.model, len(vocabulary))
    load_imagenet(model.encoder.backbone, recipe.model.encoder, weights)
    return Checkpoint(model, vocabulary, languages=languages)


def _origin(start: Path, checkpoint: Checkpoint) -> dict[str, Any]:
    """Say what a run began with."""
    origin: dict[str, Any] = {"started_from": checkpoint.trained_on}
    if (folder := folder_of(start)).is_dir():
        bundle = open_bundle(folder)
        origin["adapts"] = {"name": bundle.manifest.name, "version": bundle.manifest.version, "sha256": bundle.sha256}
    return origin
