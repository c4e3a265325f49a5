"""A recipe and a data set -> a checkpoint: the stages one after another, resumed where a run was cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import lightning
import msgspec
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging, ModelCheckpoint, TQDMProgressBar
from torch.utils.data import DataLoader

from training.batches import Batch, FeatureBatches, PhotoBatches, Sentences, loader
from training.checkpoint import Checkpoint, load_checkpoint
from training.cross_entropy import CrossEntropy
from training.data.photos import CaptionedPhoto
from training.encoders import load_imagenet
from training.features import features_of
from training.log import TrainingLog
from training.model import CaptionModel
from training.recipe import Recipe, Stage
from training.reward import Reward
from training.scores import Scorer
from training.self_critical import SelfCritical
from training.stage import CaptionStage
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
        current = load_checkpoint(file)
    return file


def _start(recipe: Recipe, data: Data, weights: Path | None) -> Checkpoint:
    vocabulary = build_vocabulary(data.train, recipe.min_count)
    model = CaptionModel(recipe.model, len(vocabulary))
    load_imagenet(model.encoder.backbone, weights)
    return Checkpoint(model, vocabulary)


def _run_stage(start: Checkpoint, stage: Stage, recipe: Recipe, data: Data, scorer: Scorer, folder: Path) -> Checkpoint:
    sentences = {
        split: Sentences(photos, start.vocabulary, recipe.max_words)
        for split, photos in (("train", data.train), ("dev", data.dev))
    }
    train_batches, dev_batches = _loaders(start, stage, data, sentences, folder)
    module = _module(start, stage, scorer, sentences["train"])
    best = ModelCheckpoint(folder / stage.name, "best", monitor="dev_cider", mode="max", save_last=True)
    trainer = lightning.Trainer(
        max_epochs=stage.epochs,
        precision="bf16-mixed",
        gradient_clip_val=1.0,
        logger=False,
        callbacks=[best, EMAWeightAveraging(decay=stage.ema), TrainingLog(folder), TQDMProgressBar(refresh_rate=20)],
        enable_model_summary=False,
        num_sanity_val_steps=0,
        default_root_dir=folder,
    )
    last = folder / stage.name / "last.ckpt"
    trainer.fit(module, train_batches, dev_batches, ckpt_path=last if last.exists() else None)
    state = torch.load(best.best_model_path, map_location="cpu", weights_only=True)["state_dict"]
    module.load_state_dict(state)
    return Checkpoint(module.model, start.vocabulary, _provenance(stage, recipe, data, best))


def _module(start: Checkpoint, stage: Stage, scorer: Scorer, sentences: Sentences) -> CaptionStage:
    if stage.kind == "self-critical":
        reward = Reward(sentences.with_end(), stage.bleu_weight)
        return SelfCritical(start.model, stage, start.vocabulary, scorer, reward)
    return CrossEntropy(start.model, stage, start.vocabulary, scorer)


def _loaders(
    start: Checkpoint, stage: Stage, data: Data, sentences: Mapping[str, Sentences], folder: Path
) -> list[DataLoader[Batch]]:
    """Return those of train and dev: photos where the backbone learns, else its features."""
    made = []
    for split, photos in (("train", data.train), ("dev", data.dev)):
        augment = split == "train"
        batches: PhotoBatches | FeatureBatches
        if stage.encoder_learning_rate:
            batches = PhotoBatches(photos, sentences[split], stage.captions_per_photo, augment=augment)
        else:
            features = features_of(start.model.encoder, photos, folder / "features", split)
            batches = FeatureBatches(features, sentences[split], stage.captions_per_photo, augment=augment)
        made.append(loader(batches, stage, shuffle=augment))
    return made


def _provenance(stage: Stage, recipe: Recipe, data: Data, best: ModelCheckpoint) -> dict[str, object]:
    return {
        "data": data.name,
        "terms": data.terms,
        "photos": len(data.train),
        "captions": sum(len(photo.captions) for photo in data.train),
        "recipe": msgspec.to_builtins(recipe),
        "stage": stage.name,
        "dev_cider_greedy_torch": round(float(best.best_model_score or 0), 4),
        "torch": str(torch.__version__),
    }
