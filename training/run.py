"""One run: what its stages share, and how one of them is carried out, resumed where it was cut."""

from __future__ import annotations

import copy
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import msgspec
import torch
from lightning.pytorch.callbacks import Callback, TQDMProgressBar, WeightAveraging
from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor

from edge_caption.errors import ConfigError
from training.data.batches import Sentences
from training.data.captioned_photos import files_of
from training.data.loaders import Loaders
from training.data.mixture import made_from
from training.data.splits import Data
from training.digests import Digests, is_noted, note_digest
from training.kept import Kept
from training.log import TrainingLog
from training.machines import Machines
from training.model.caption_model import Dimensions
from training.model.checkpoint import Checkpoint
from training.model.checksum import check_whole
from training.recipe import Recipe, Stage
from training.scoring.reward import BleuReward, CiderReward, InventedObjects, Reward
from training.scoring.scores import DevScorer
from training.seeds import SeedSteps
from training.stages.adversarial import Adversarial
from training.stages.cross_entropy import CrossEntropy
from training.stages.self_critical import SelfCritical
from training.stages.stage import CaptionStage

COMPARED = ("cross-entropy", "self-critical")
"""Kinds of stages that never end worse than they began: where no epoch is better on dev, the start is kept."""


@dataclass(frozen=True)
class Run:
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
        """Go on from `start` and write the stage's checkpoint. All processes come here; the first one writes.

        Raises:
            ConfigError: what was left of a stage that was cut is damaged.
            KeyboardInterrupt: Ctrl-C.
        """
        if stage.side is not None:
            start.model.resize(stage.side)
        module = self._module(start, stage)
        features = self.folder.parent / "features"  # other runs may begin with the same backbone
        loaders = Loaders(self.data.splits, self.sentences, stage, self.recipe.seed, start.model.encoder, features)
        best = Kept(self.folder / stage.name, "best", monitor="dev_cider", mode="max")
        before = self._score_start(stage, module, loaders) if start.trained_on and stage.kind in COMPARED else None
        begun = copy.deepcopy(module.state_dict()) if before is not None else {}
        trainer = self._trainer(stage, self._callbacks(stage, best))
        self._fit(trainer, stage, module, loaders)
        cider = self._load_kept(stage, module, best)
        if before is not None and before >= cider:
            _say(f"{stage.name}: no epoch was better than the start (dev CIDEr {before:.3f}), which is kept")
            cider = before
            module.load_state_dict(begun)
        if trainer.is_global_zero:
            provenance = self._provenance(start.model.size, stage, cider)
            Checkpoint(module.model, start.vocabulary, provenance, start.languages).save(file)
        trainer.strategy.barrier()

    def _last(self, stage: Stage) -> Path:
        """Return where the state of the last epoch is."""
        return self.folder / stage.name / "last.ckpt"

    def _fit(self, trainer: lightning.Trainer, stage: Stage, module: CaptionStage, loaders: Loaders) -> None:
        """Train, going on from the last epoch that was finished."""
        last = self._last(stage)
        for state in last.parent.glob("*.ckpt"):
            _check_state(state)
        if trainer.is_global_zero:
            note_digest(self.folder, stage.name, self.digests[stage.name])
        try:
            trainer.fit(module, datamodule=loaders, ckpt_path=last if last.exists() else None)
        except SystemExit as stopped:  # what Lightning makes of Ctrl-C
            raise KeyboardInterrupt from stopped

    def _load_kept(self, stage: Stage, module: CaptionStage, best: Kept) -> float:
        """Load the epoch that the stage keeps; return its dev CIDEr."""
        kept = Path(best.best_model_path)
        cider = None if best.best_model_score is None else float(best.best_model_score)
        if stage.kind == "adversarial":  # varied sentences have less CIDEr: its best epoch would be the least varied
            kept, cider = self._last(stage), TrainingLog(self.folder).dev_cider(stage.name, stage.epochs)
        _check_state(kept)
        module.load_state_dict(torch.load(kept, map_location="cpu", weights_only=True)["state_dict"])
        return cider or 0.0

    def _score_start(self, stage: Stage, module: CaptionStage, loaders: Loaders) -> float:
        """Return dev CIDEr of what the stage begins with, its epoch 0; the log keeps it."""
        log, begun = TrainingLog(self.folder), is_noted(self.folder, stage.name, self.digests[stage.name])
        # What was cut before it began may have begun with something else.
        if begun and (known := log.dev_cider(stage.name, 0)) is not None:
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
        judges = (
            (stage.cider_weight, CiderReward(references, len(files_of(photos)))),
            (stage.bleu_weight, BleuReward(references)),
            (stage.invention_weight, InventedObjects(references, start.vocabulary)),
        )
        return Reward(judges, trusts)

    def _callbacks(self, stage: Stage, best: Kept) -> list[Callback]:
        # `best` with save_last would leave out the epochs that are not the best so far.
        last = Kept(best.dirpath, "last", enable_version_counter=False)
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
