"""A recipe and a data set -> a checkpoint: the stages one after another, resumed where a run was cut."""

from __future__ import annotations

import copy
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import lightning
import msgspec
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, TQDMProgressBar, WeightAveraging
from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor

from edge_caption.errors import ConfigError
from edge_caption.model.bundle import open_bundle
from training.checksum import check_whole
from training.data.batches import Sentences
from training.data.captioned_photos import CaptionedPhoto, files_of
from training.data.loaders import Loaders
from training.data.mixture import load_mixture, made_from
from training.data.sources import Source
from training.data.words import build_vocabulary
from training.digests import Digests, check_digests, digest_stages, note_digest
from training.log import TrainingLog
from training.model.backbones import load_imagenet
from training.model.caption_model import CaptionModel, Dimensions
from training.model.checkpoint import Checkpoint, load_checkpoint
from training.recipe import Recipe, Stage
from training.scoring.reward import Reward
from training.scoring.scores import DevScorer
from training.seeds import SeedSteps
from training.stages.adversarial import Adversarial
from training.stages.cross_entropy import CrossEntropy
from training.stages.self_critical import SelfCritical
from training.stages.stage import CaptionStage


@dataclass(frozen=True)
class Data:
    """What a run learns from and is scored on."""

    train: Sequence[CaptionedPhoto]
    dev: Sequence[CaptionedPhoto]
    name: str
    terms: str
    sources: Sequence[Source] = ()
    """Of a mixture."""

    @property
    def splits(self) -> dict[str, Sequence[CaptionedPhoto]]:
        return {"train": self.train, "dev": self.dev}


def mixed(sources: Sequence[Source], folder: Path) -> Data:
    """Read a mixture, whose paths are relative to `folder`.

    Raises:
        DataError: naming the file and line that is wrong.
    """
    terms = "; ".join(f"{source.name}: {source.terms}" for source in sources)
    return Data(*load_mixture(sources, folder), ", ".join(source.name for source in sources), terms, sources)


@dataclass(frozen=True)
class Machines:
    """Where a run takes place; each device gets a process, and its share of every step."""

    devices: int | Literal["auto"] = "auto"
    """GPUs of a machine, or processes where it has none; "auto" is all GPUs, or one process."""

    nodes: int = 1
    """Machines that run the same command on the same folder."""

    def __post_init__(self) -> None:
        """Refuse what can't be had.

        Raises:
            ConfigError: there are fewer GPUs than asked for.
        """
        gpus = torch.cuda.device_count()
        if self.devices != "auto" and gpus and self.devices > gpus:
            raise ConfigError(f"{self.devices} devices were asked for, but this machine has {gpus} GPUs; ask for fewer")


THIS_MACHINE = Machines()


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
    current = _begin(recipe, data, weights, start)
    run = _Run(
        recipe=recipe,
        data=data,
        sentences={name: Sentences(of, current.vocabulary, recipe.max_words) for name, of in data.splits.items()},
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


def _begin(recipe: Recipe, data: Data, weights: Path | None, start: Path | None) -> Checkpoint:
    """Return what the first stage goes on from, with the words of the train photos."""
    vocabulary = build_vocabulary(data.train, recipe.min_count)
    languages = tuple(dict.fromkeys(photo.language for photo in data.train))
    if start:
        return load_checkpoint(start).with_words(vocabulary, languages)
    model = CaptionModel(recipe.model, len(vocabulary))
    load_imagenet(model.encoder.backbone, recipe.model.encoder, weights)
    return Checkpoint(model, vocabulary, languages=languages)


def _origin(start: Path, checkpoint: Checkpoint) -> dict[str, Any]:
    """Say what a run began with."""
    origin: dict[str, Any] = {"started_from": checkpoint.trained_on}
    if start.is_dir():
        bundle = open_bundle(start)
        origin["adapts"] = {"name": bundle.manifest.name, "version": bundle.manifest.version, "sha256": bundle.sha256}
    return origin


COMPARED = ("cross-entropy", "self-critical")
"""Kinds of stages that never end worse than they began: where no epoch is better on dev, the start is kept."""


@dataclass(frozen=True)
class _Run:
    """What the stages of a run share."""

    recipe: Recipe
    data: Data
    sentences: Mapping[str, Sentences]
    scorer: DevScorer
    folder: Path
    digests: Digests
    machines: Machines
    origin: Mapping[str, Any]

    def run_stage(self, start: Checkpoint, stage: Stage, file: Path) -> None:
        """Go on from `start` and write the stage's checkpoint. All processes come here; the first one writes."""
        if stage.side is not None:
            start.model.resize(stage.side)
        module = self._module(start, stage)
        features = self.folder.parent / "features"  # other runs may begin with the same backbone
        loaders = Loaders(self.data.splits, self.sentences, stage, self.recipe.seed, start.model.encoder, features)
        best = ModelCheckpoint(self.folder / stage.name, "best", monitor="dev_cider", mode="max")
        trainer = self._trainer(stage, self._callbacks(stage, best))
        before = self._score_start(stage, module, loaders) if start.trained_on and stage.kind in COMPARED else None
        begun = copy.deepcopy(module.state_dict()) if before is not None else {}
        last = self.folder / stage.name / "last.ckpt"
        for state in last.parent.glob("*.ckpt"):
            _check_state(state)
        if trainer.is_global_zero:
            note_digest(self.folder, stage.name, self.digests[stage.name])
        try:
            trainer.fit(module, datamodule=loaders, ckpt_path=last if last.exists() else None)
        except SystemExit as stopped:  # what Lightning makes of Ctrl-C
            raise KeyboardInterrupt from stopped
        kept, cider = Path(best.best_model_path), float(best.best_model_score or 0)
        if stage.kind == "adversarial":  # varied sentences have less CIDEr: its best epoch would be the least varied
            kept, cider = last, float(best.current_score or 0)
        if before is not None and before >= cider:
            _say(f"{stage.name}: no epoch was better than the start (dev CIDEr {before:.3f}), which is kept")
            cider = before
            module.load_state_dict(begun)
        else:
            _check_state(kept)
            module.load_state_dict(torch.load(kept, map_location="cpu", weights_only=True)["state_dict"])
        if trainer.is_global_zero:
            provenance = self._provenance(start.model.size, stage, cider)
            Checkpoint(module.model, start.vocabulary, provenance, start.languages).save(file)
        trainer.strategy.barrier()

    def _score_start(self, stage: Stage, module: CaptionStage, loaders: Loaders) -> float:
        """Return dev CIDEr of what the stage begins with, its epoch 0; the log keeps it."""
        log = TrainingLog(self.folder)
        if (known := log.dev_cider(stage.name, 0)) is not None:
            return known
        scoring = self._trainer(stage, [])
        scoring.validate(module, datamodule=loaders, verbose=False)
        figures = {name: float(value) for name, value in scoring.callback_metrics.items()}
        if scoring.is_global_zero:
            log.write({"stage": stage.name, "epoch": "0", **{name: f"{value:.5f}" for name, value in figures.items()}})
        return figures["dev_cider"]

    def _module(self, start: Checkpoint, stage: Stage) -> CaptionStage:
        if stage.kind == "cross-entropy":
            return CrossEntropy(start.model, stage, start.vocabulary, self.scorer)
        kind = Adversarial if stage.kind == "adversarial" else SelfCritical
        return kind(start.model, stage, start.vocabulary, self.scorer, self._reward(start, stage))

    def _reward(self, start: Checkpoint, stage: Stage) -> Reward:
        """Judge by people's sentences, and by models' where people wrote none, as far as those are trusted."""
        photos = [photo.by_people() for photo in self.data.train]
        sentences = Sentences(photos, start.vocabulary, self.recipe.max_words) if self.data.sources else None
        trusts = [min(photo.trusts) for photo in photos] if sentences else None
        references = sentences or self.sentences["train"]
        return Reward(references, len(files_of(photos)), stage.cider_weight, stage.bleu_weight, trusts)

    def _callbacks(self, stage: Stage, best: ModelCheckpoint) -> list[Callback]:
        # `best` with save_last would leave out the epochs that are not the best so far.
        last = ModelCheckpoint(best.dirpath, "last", enable_version_counter=False)
        return [
            *(best, last, WeightAveraging(avg_fn=moving_average(stage.ema)), SeedSteps(self.recipe.seed)),
            TrainingLog(self.folder),
        ]

    def _trainer(self, stage: Stage, callbacks: Sequence[Callback]) -> lightning.Trainer:
        return lightning.Trainer(
            devices=self.machines.devices,
            num_nodes=self.machines.nodes,
            use_distributed_sampler=False,  # `Steps` share out the photos
            max_epochs=stage.epochs,
            # What INT8 rounds away is as small as what bfloat16 does.
            precision="bf16-mixed",
            gradient_clip_val=1.0,
            logger=False,
            callbacks=[*callbacks, TQDMProgressBar(refresh_rate=20)],
            enable_checkpointing=bool(callbacks),
            enable_model_summary=False,
            num_sanity_val_steps=0,
            default_root_dir=self.folder,
        )

    def _provenance(self, size: Dimensions, stage: Stage, cider: float) -> dict[str, object]:
        return {
            "data": self.data.name,
            "terms": self.data.terms,
            "photos": len(files_of(self.data.train)),
            "captions": sum(len(photo.captions) for photo in self.data.train),
            **({"sources": made_from(self.data.sources, self.data.train)} if self.data.sources else {}),
            "recipe": msgspec.to_builtins(msgspec.structs.replace(self.recipe, model=size)),
            "stage": stage.name,
            "dev_cider_greedy_torch": round(cider, 4),
            "torch": str(torch.__version__),
            **self.origin,
        }


@rank_zero_only
def _say(text: str) -> None:
    print(text)


def _check_state(file: Path) -> None:
    try:
        check_whole(file)
    except (OSError, zipfile.BadZipFile) as error:
        raise ConfigError(f"{file} is damaged; delete {file.parent}, so that the stage begins anew") from error


def moving_average(decay: float) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Return an exponential moving average that keeps what doesn't change to the bit.

    Lightning's own rounds, and features of a backbone that was frozen would have to be computed again.
    """
    return lambda average, current, _updates: average + (1 - decay) * (current - average)
