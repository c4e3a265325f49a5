"""A stage's batches for each of the processes that train together."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import lightning
import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from edge_caption.errors import PhotoError
from training.data.batches import Batch, FeatureBatches, PhotoBatches, Sentences, Steps
from training.data.captioned_photos import CaptionedPhoto, files_of
from training.data.features import features_of
from training.model.caption_model import Encoder
from training.recipe import Stage

MOST_WORKERS = 8


class Loaders(lightning.LightningDataModule):
    """Photos where the backbone learns, else its features, which one process computes while the others wait."""

    def __init__(
        self,
        photos: Mapping[str, Sequence[CaptionedPhoto]],
        sentences: Mapping[str, Sentences],
        stage: Stage,
        seed: int,
        encoder: Encoder,
        folder: Path,
    ) -> None:
        """Take photos and sentences of "train" and "dev", and the folder that keeps features."""
        super().__init__()
        self.prepare_data_per_node = False  # machines share the run's folder
        self.photos, self.sentences, self.stage, self.seed = photos, sentences, stage, seed
        self._encoder, self._folder = encoder, folder
        self._features: dict[str, NDArray[np.float16]] = {}

    def prepare_data(self) -> None:
        self._load_features()

    def setup(self, stage: str) -> None:
        self._load_features()

    def on_before_batch_transfer(self, batch: Batch | PhotoError, dataloader_idx: int) -> Batch:
        if isinstance(batch, PhotoError):
            raise batch
        return batch

    def train_dataloader(self) -> DataLoader[Batch | PhotoError]:
        return self._loader("train", learn=True)

    def val_dataloader(self) -> DataLoader[Batch | PhotoError]:
        return self._loader("dev", learn=False)

    def _load_features(self) -> None:
        if not self.stage.encoder_learning_rate:
            splits = self.photos.items()
            self._features = {split: features_of(self._encoder, of, self._folder, split) for split, of in splits}

    def _loader(self, split: str, *, learn: bool) -> DataLoader[Batch | PhotoError]:
        assert self.trainer is not None
        sentences, count, workers = self.sentences[split], self.stage.captions_per_photo, 0
        augment = learn and self.stage.augment
        batches: PhotoBatches | FeatureBatches
        if split in self._features:
            batches = FeatureBatches(self._features[split], sentences, count, augment=augment)
        else:
            files, degrade = files_of(self.photos[split]), self.stage.degrade if learn else 0.0
            side = self._encoder.side
            batches = PhotoBatches(files, side, sentences, count, augment=augment, degrade=degrade)
            workers = count_workers(len(os.sched_getaffinity(0)) // self.trainer.num_devices)
            if workers:  # they would wait for ever for OpenCV's threads, which a fork doesn't take along
                cv2.setNumThreads(1)
        rank, processes = self.trainer.global_rank, self.trainer.world_size
        size, seed = self.stage.photos_per_step, self.seed
        weights = sentences.weights if learn else np.ones(len(batches))
        steps = Steps(weights, size, seed, shuffle=learn, process=rank, processes=processes)
        # Workers read ahead before Lightning names the epoch, which after a resumption isn't the first.
        steps.set_epoch(self.trainer.current_epoch)
        return DataLoader(
            batches,
            sampler=steps,
            batch_size=None,  # the sets build whole batches, so that features are gathered in one copy
            num_workers=workers,
            persistent_workers=workers > 0,
        )


def count_workers(cores: int) -> int:
    """Return how many processes read photos for one that trains; it reads them itself where it has no core to spare."""
    return 0 if cores <= 2 else min(MOST_WORKERS, cores - 2)
