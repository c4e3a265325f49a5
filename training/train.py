"""A recipe and a data set -> a checkpoint: the stages one after another, resumed where a run was cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import lightning
import msgspec
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader

from training.batches import Batch, FeatureBatches, PhotoBatches, Sentences, loader
from training.checkpoint import Checkpoint, load_checkpoint
from training.cross_entropy import CrossEntropyStage
from training.data.photos import CaptionedPhoto
from training.encoders import load_imagenet
from training.features import features_of
from training.model import CaptionModel
from training.plots import plot_log
from training.recipe import Recipe, Stage
from training.scores import Scorer
from training.words import build_vocabulary


@dataclass(frozen=True)
class Data:
    """What a run learns from and is scored on."""

    train: Sequence[CaptionedPhoto]
    dev: Sequence[CaptionedPhoto]
    name: str
    terms: str


def train(recipe: Recipe, data: Data, weights: Path | None, folder: Path) -> Path:
    """Run every stage that has not finished yet in `folder`.

    Args:
        weights: the backbone's ImageNet weights, or None for torchvision's download.

    Returns:
        The last stage's checkpoint, `<folder>/<stage>.pt`.
    """
    lightning.seed_everything(recipe.seed, verbose=False)
    current = _start(recipe, data, weights)
    scorer = Scorer([photo.captions for photo in data.dev])
    file = folder
    for stage in recipe.stages:
        file = folder / f"{stage.name}.pt"
        if not file.exists():
            _run_stage(current, stage, recipe, data, scorer, folder).save(file)
            plot_log(folder, [stage.name for stage in recipe.stages])
        current = load_checkpoint(file)
    return file


def _start(recipe: Recipe, data: Data, weights: Path | None) -> Checkpoint:
    vocabulary = build_vocabulary(data.train, recipe.min_count)
    model = CaptionModel(recipe.model, len(vocabulary))
    load_imagenet(model.encoder.backbone, weights)
    return Checkpoint(model, vocabulary)


def _run_stage(
    start: Checkpoint, stage: Stage, recipe: Recipe, data: Data, scorer: Scorer, folder: Path
) -> Checkpoint:
    module = CrossEntropyStage(start.model, stage, start.vocabulary, scorer)
    best = ModelCheckpoint(folder / stage.name, "best", monitor="dev_cider", mode="max", save_last=True)
    trainer = lightning.Trainer(
        max_epochs=stage.epochs,
        precision="bf16-mixed",
        gradient_clip_val=1.0,
        logger=CSVLogger(folder, name="log", version=stage.name),
        callbacks=[best, EMAWeightAveraging(decay=stage.ema), TQDMProgressBar(refresh_rate=20)],
        enable_model_summary=False,
        num_sanity_val_steps=0,
        default_root_dir=folder,
    )
    last = folder / stage.name / "last.ckpt"
    loaders = _loaders(start, stage, recipe, data, folder)
    trainer.fit(module, *loaders, ckpt_path=last if last.exists() else None)
    state = torch.load(best.best_model_path, map_location="cpu", weights_only=True)["state_dict"]
    module.load_state_dict(state)
    return Checkpoint(module.model, start.vocabulary, _provenance(stage, recipe, data, best))


def _loaders(
    start: Checkpoint, stage: Stage, recipe: Recipe, data: Data, folder: Path
) -> tuple[DataLoader[Batch], DataLoader[Batch]]:
    splits = {"train": data.train, "dev": data.dev}
    made = []
    for name, photos in splits.items():
        augment = name == "train"
        sentences = Sentences(photos, start.vocabulary, recipe.max_words)
        batches: PhotoBatches | FeatureBatches
        if stage.encoder_learning_rate:
            batches = PhotoBatches(photos, sentences, stage.captions_per_photo, augment=augment)
        else:
            features = features_of(start.model.encoder, photos, folder / "features", name)
            batches = FeatureBatches(features, sentences, stage.captions_per_photo, augment=augment)
        made.append(loader(batches, stage, shuffle=augment))
    return made[0], made[1]


def _provenance(stage: Stage, recipe: Recipe, data: Data, best: ModelCheckpoint) -> dict[str, object]:
    return {
        "data": data.name,
        "terms": data.terms,
        "photos": len(data.train),
        "captions": sum(len(photo.captions) for photo in data.train),
        "recipe": msgspec.to_builtins(recipe),
        "stage": stage.name,
        "dev_cider_greedy_torch": round(float(best.best_model_score or 0), 4),
        "torch": torch.__version__,
    }


