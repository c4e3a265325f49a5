from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from edge_caption.errors import PhotoError
from training.data.batches import Batch, Sentences, in_steps
from training.data.loaders import Loaders, count_workers
from training.data.splits import Data
from training.data.words import build_vocabulary
from training.model.caption_model import CaptionModel, Dimensions
from training.recipe import Stage


@pytest.mark.parametrize(("cores", "workers"), [(1, 0), (2, 0), (4, 2), (64, 8)])
def test_photos_are_read_by_cores_that_are_to_spare(cores: int, workers: int) -> None:
    assert count_workers(cores) == workers


@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_workers_read_what_one_process_reads(data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone, with_workers = (read(data, cores, tmp_path, monkeypatch) for cores in (1, 4))
    assert len(alone) == len(with_workers) == 4
    for one, other in zip(alone, with_workers, strict=True):
        assert all(torch.equal(*pair) for pair in zip(one, other, strict=True))


def test_without_augmentation_photos_are_as_they_are(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    augmented, plain = (read(data, 1, tmp_path, monkeypatch, augment=augment) for augment in (True, False))
    (as_they_are,) = in_steps([photo.file for photo in data.dev[:8]], 8, 224)
    shown = {image.numpy().tobytes() for image in as_they_are}
    assert {image.numpy().tobytes() for batch in plain for image in batch.files} == shown
    assert not {image.numpy().tobytes() for batch in augmented for image in batch.files} & shown


@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
@pytest.mark.parametrize("cores", [1, 4])
def test_a_photo_that_cant_be_read_takes_one_sentence(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: int
) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    broken = [*data.dev[:3], replace(data.dev[3], file=tmp_path / "broken.jpg"), *data.dev[4:]]
    with pytest.raises(PhotoError) as caught:
        read(replace(data, dev=broken), cores, tmp_path, monkeypatch)
    assert str(caught.value).startswith(f"{tmp_path / 'broken.jpg'} can't be decoded")
    assert "\n" not in str(caught.value)


def read(data: Data, cores: int, folder: Path, monkeypatch: pytest.MonkeyPatch, *, augment: bool = True) -> list[Batch]:
    """Read an epoch of eight photos, two a step, on a machine of so many cores."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    splits = {"train": data.dev[:8], "dev": data.dev[:2]}
    vocabulary = build_vocabulary(data.dev, 1)
    sentences = {split: Sentences(photos, vocabulary, 18) for split, photos in splits.items()}
    stage = Stage(
        name="photos",
        epochs=1,
        learning_rate=1e-3,
        encoder_learning_rate=1e-4,
        photos_per_step=2,
        augment=augment,
    )
    encoder = CaptionModel(Dimensions(region=8, attention=8, hidden=8, embedding=8), len(vocabulary)).encoder
    loaders = Loaders(splits, sentences, stage, 1, encoder, folder)
    trainer: Any = SimpleNamespace(num_devices=1, global_rank=0, world_size=1, current_epoch=2)
    loaders.trainer = trainer
    served = loaders.train_dataloader()
    assert served.num_workers == count_workers(cores)
    return [loaders.on_before_batch_transfer(batch, 0) for batch in served]
