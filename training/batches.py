"""Captioned photos -> batches of tensors."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, SequentialSampler

from edge_caption.frame import Pixels
from edge_caption.photos import read_photo
from edge_caption.preprocess import SIDE, to_input
from edge_caption.vocabulary import END, PAD, Vocabulary
from training.data.photos import CaptionedPhoto
from training.languages import LANGUAGES
from training.recipe import Stage


class Batch(NamedTuple):
    """P photos and N sentences of each."""

    indices: Tensor  # (P,) which of the data set's photos
    photos: Tensor  # (P, SIDE, SIDE, 3) uint8, or the backbone's features (P, C, grid, grid) float16
    inputs: Tensor  # (P, N, T) from the language's start on
    targets: Tensor  # (P, N, T) up to END, then PAD


class Sentences:
    """Each photo's sentences as tokens."""

    def __init__(self, photos: Sequence[CaptionedPhoto], vocabulary: Vocabulary, max_words: int) -> None:
        self._tokens = [
            [vocabulary.encode(LANGUAGES[photo.language].split(caption))[:max_words] for caption in photo.captions]
            for photo in photos
        ]
        self._starts = [vocabulary.start(photo.language) for photo in photos]
        self.mirrorable = [
            not any(LANGUAGES[photo.language].sides.search(caption.lower()) for caption in photo.captions)
            for photo in photos
        ]
        """Whether none of a photo's sentences speaks of left or right."""

    def with_end(self) -> list[list[list[int]]]:
        """Return each photo's sentences as tokens that close with END."""
        return [[[*tokens, END] for tokens in tokens_of_photo] for tokens_of_photo in self._tokens]

    def sample(self, photos: Sequence[int], count: int) -> tuple[Tensor, Tensor]:
        """Draw `count` sentences of each photo; a photo with fewer is filled up with empty ones.

        Returns:
            inputs and targets, both (P, count, T).
        """
        drawn = [random.sample(self._tokens[index], min(count, len(self._tokens[index]))) for index in photos]
        longest = max(len(tokens) for tokens_of_photo in drawn for tokens in tokens_of_photo)
        inputs = torch.full((len(photos), count, longest + 1), PAD)
        targets = inputs.clone()
        for row, tokens_of_photo in enumerate(drawn):
            for column, tokens in enumerate(tokens_of_photo):
                inputs[row, column, : len(tokens) + 1] = torch.tensor([self._starts[photos[row]], *tokens])
                targets[row, column, : len(tokens) + 1] = torch.tensor([*tokens, END])
        return inputs, targets


class PhotoBatches(Dataset[Batch]):
    """Photos read from disk; with `augment`, cropped, mirrored and recoloured at random."""

    def __init__(self, photos: Sequence[CaptionedPhoto], sentences: Sentences, count: int, *, augment: bool) -> None:
        self.photos, self.sentences, self.count, self.augment = photos, sentences, count, augment

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, indices: list[int]) -> Batch:
        pixels = [read_photo(self.photos[index].file) for index in indices]
        if self.augment:
            pairs = zip(pixels, indices, strict=True)
            pixels = [augment(photo, mirror=self.sentences.mirrorable[index]) for photo, index in pairs]
        images = torch.from_numpy(np.concatenate([to_input(photo) for photo in pixels]))
        return Batch(torch.tensor(indices), images, *self.sentences.sample(indices, self.count))


class FeatureBatches(Dataset[Batch]):
    """Features that were computed once: (2, photos, C, grid, grid), as the photo is and mirrored."""

    def __init__(self, features: NDArray[np.float16], sentences: Sentences, count: int, *, augment: bool) -> None:
        self.features, self.sentences, self.count, self.augment = features, sentences, count, augment

    def __len__(self) -> int:
        return self.features.shape[1]

    def __getitem__(self, indices: list[int]) -> Batch:
        mirrorable = np.array([self.sentences.mirrorable[index] for index in indices])
        mirror = np.array([random.random() < 0.5 for _ in indices])
        view = mirror & mirrorable & self.augment
        features = torch.from_numpy(self.features[view.astype(int), indices])
        return Batch(torch.tensor(indices), features, *self.sentences.sample(indices, self.count))


def loader(data: PhotoBatches | FeatureBatches, stage: Stage, *, shuffle: bool) -> DataLoader[Batch]:
    """Serve whole batches; the sets build them themselves, so that features are gathered in one copy."""
    order = RandomSampler(data) if shuffle else SequentialSampler(data)
    batches = BatchSampler(order, stage.photos_per_step, drop_last=False)
    return DataLoader(data, sampler=batches, batch_size=None)


def augment(pixels: Pixels, *, mirror: bool) -> Pixels:
    """Crop to 70-100% of each side, mirror half of the time if allowed, change brightness, contrast and saturation."""
    height, width = pixels.shape[:2]
    tall, wide = (int(side * random.uniform(0.7, 1)) for side in (height, width))
    top, left = random.randint(0, height - tall), random.randint(0, width - wide)
    crop = cv2.resize(pixels[top : top + tall, left : left + wide], (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    if mirror and random.random() < 0.5:
        crop = cv2.flip(crop, 1)
    grey = cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    crop = cv2.addWeighted(crop, saturation := random.uniform(0.7, 1.3), grey, 1 - saturation, 0)
    contrast = random.uniform(0.8, 1.2)
    brightness = random.uniform(-25, 25) + 128 * (1 - contrast)
    return np.asarray(cv2.convertScaleAbs(crop, alpha=contrast, beta=brightness), np.uint8)


def in_steps(photos: Sequence[Path], size: int) -> Iterator[Tensor]:
    """Read photos in batches of (up to size, SIDE, SIDE, 3)."""
    for start in range(0, len(photos), size):
        pixels = [to_input(read_photo(photo)) for photo in photos[start : start + size]]
        yield torch.from_numpy(np.concatenate(pixels))
