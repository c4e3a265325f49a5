"""Captioned photos -> batches of tensors."""

from __future__ import annotations

import itertools
import os
import random
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import BatchSampler, Dataset, DistributedSampler, Sampler

from edge_caption.errors import PhotoError
from edge_caption.images.frame import Pixels
from edge_caption.images.photos import read_photo
from edge_caption.model.preprocess import to_input
from edge_caption.model.vocabulary import END, PAD, Vocabulary
from training.data.captioned_photos import CaptionedPhoto, files_of
from training.data.degrade import degrade
from training.data.words import words_of
from training.errors import DataError
from training.languages import LANGUAGES
from training.seeds import mix

MOST_WORDS = 2**16
"""Tokens are kept in two bytes."""


class Batch(NamedTuple):
    """P photos and N sentences of each, in F files: a photo with sentences in two languages comes twice."""

    indices: Tensor  # (P,) which of the data set's photos
    files: Tensor  # (F, side, side, 3) uint8, or the backbone's features (F, C, grid, grid) float16
    file: Tensor  # (P,) which of `files` each photo is
    inputs: Tensor  # (P, N, T) from the language's start on
    targets: Tensor  # (P, N, T) up to END, then PAD
    trust: Tensor  # (P, N) each sentence's weight in the loss

    @property
    def starts(self) -> Tensor:
        """What each photo's sentences begin with: (P,)."""
        return self.inputs[:, 0, 0]


class Sentences:
    """Each photo's sentences as tokens that close with END, `sentences[photo]`, and the photos of each file.

    All tokens lie in one array, so that millions of sentences take little more than their two bytes a word.
    """

    def __init__(self, photos: Sequence[CaptionedPhoto], vocabulary: Vocabulary, max_words: int) -> None:
        """Split and encode the captions.

        Raises:
            DataError: a token doesn't fit into two bytes.
        """
        if len(vocabulary) > MOST_WORDS:
            raise DataError(f"{len(vocabulary)} words are more than {MOST_WORDS}; raise min_count in the recipe")
        tokens, ends, lasts, onesided = array("H"), array("Q", [0]), array("Q", [0]), array("B")
        self._starts, self._trusts = array("H"), array("f")
        for photo in photos:
            for words in words_of(photo):
                tokens.extend([*vocabulary.encode(words[:max_words]), END])
                ends.append(len(tokens))
            lasts.append(len(ends) - 1)
            self._trusts.extend(photo.trusts)
            sides = LANGUAGES[photo.language].sides
            onesided.append(any(sides.search(caption.lower()) for caption in photo.captions))
            self._starts.append(vocabulary.start(photo.language))
        self._tokens, self._ends, self._lasts = np.array(tokens), np.array(ends), np.array(lasts)
        places = {file: place for place, file in enumerate(files_of(photos))}
        file = np.array([places[photo.file] for photo in photos], np.int64)
        self.weights = np.zeros(len(places))
        """How often each file comes in an epoch."""
        np.maximum.at(self.weights, file, [photo.weight for photo in photos])
        self._by_file = np.argsort(file, kind="stable")
        self._first_of_file = np.searchsorted(file[self._by_file], np.arange(len(places) + 1))
        self.mirrorable = np.bincount(file, np.array(onesided)) == 0
        """Files of whose photos no sentence says left or right."""

    def __len__(self) -> int:
        return len(self._starts)

    def of_files(self, files: Sequence[int]) -> tuple[list[int], Tensor]:
        """Return the files' photos, and the place in `files` of each one's file."""
        spans = [self._by_file[self._first_of_file[file] : self._first_of_file[file + 1]] for file in files]
        places = torch.arange(len(files)).repeat_interleave(torch.tensor([len(span) for span in spans]))
        return np.concatenate(spans).tolist(), places

    def __getitem__(self, photo: int) -> list[list[int]]:
        ends = self._ends[self._lasts[photo] : self._lasts[photo + 1] + 1]
        return [self._tokens[start:end].tolist() for start, end in itertools.pairwise(ends)]

    def trusts(self, photo: int) -> list[float]:
        """Return the weight in the loss of each of a photo's sentences."""
        return self._trusts[self._lasts[photo] : self._lasts[photo + 1]].tolist()

    def sample(self, photos: Sequence[int], count: int, chance: random.Random) -> tuple[Tensor, Tensor, Tensor]:
        """Draw `count` sentences of each photo; a photo with fewer is filled up with empty ones.

        Returns:
            inputs and targets, both (P, count, T), and trust (P, count).
        """
        written = [list(zip(self[photo], self.trusts(photo), strict=True)) for photo in photos]
        drawn = [chance.sample(sentences, min(count, len(sentences))) for sentences in written]
        longest = max(len(tokens) for sentences in drawn for tokens, _ in sentences)
        inputs, trust = torch.full((len(photos), count, longest), PAD), torch.zeros(len(photos), count)
        targets = inputs.clone()
        for row, sentences in enumerate(drawn):
            for column, (tokens, trusted) in enumerate(sentences):
                inputs[row, column, : len(tokens)] = torch.tensor([self._starts[photos[row]], *tokens[:-1]])
                targets[row, column, : len(tokens)] = torch.tensor(tokens)
                trust[row, column] = trusted
        return inputs, targets, trust


class Step(NamedTuple):
    """Which files a process sees at once, and the seed of all chance in how it sees them."""

    files: list[int]
    seed: int


class Steps(Sampler[Step]):
    """A process's share of every epoch: each file as often as it weighs, in an order that seed and epoch decide.

    Nothing else does, so a run that is resumed, or reads with more workers, sees what it would have seen.
    """

    def __init__(
        self, weights: NDArray[np.float64], size: int, seed: int, *, shuffle: bool, process: int = 0, processes: int = 1
    ) -> None:
        """Take how often each file comes in an epoch, and `size`, the files that all processes together see in a step.

        Raises:
            DataError: so few files weigh so little that nothing would be seen.
        """
        self._weights = weights
        places = int(round(weights.sum(), 6))
        if not places:
            raise DataError("the sources' weights leave less than one photo an epoch; raise them")
        self._share = DistributedSampler(range(places), processes, process, shuffle=shuffle, seed=seed)  # type: ignore[arg-type, var-annotated]
        self._steps = BatchSampler(self._share, -(-size // processes), drop_last=False)

    def __len__(self) -> int:
        return len(self._steps)

    def __iter__(self) -> Iterator[Step]:
        shown = draw_files(self._weights, mix(self._share.seed, self._share.epoch))
        for number, places in enumerate(self._steps):
            yield Step(shown[places].tolist(), mix(self._share.seed, self._share.epoch, self._share.rank, number))

    def set_epoch(self, epoch: int) -> None:
        """Go to an epoch; Lightning calls it before each."""
        self._share.set_epoch(epoch)


def draw_files(weights: NDArray[np.float64], seed: int) -> NDArray[np.int64]:
    """Return an epoch's files, in their order: each as often as it weighs, rounded down or up by chance.

    Systematic sampling over the files in a random order, so that all epochs are equally long.
    """
    order = np.random.default_rng(seed).permutation(len(weights))
    reached = np.floor(np.round(np.cumsum(weights[order]), 6)).astype(np.int64)
    times = np.zeros(len(weights), np.int64)
    times[order] = np.diff(reached, prepend=0)
    return np.repeat(np.arange(len(weights)), times)


class PhotoBatches(Dataset[Batch | PhotoError]):
    """Photos read from disk; with `augment`, cropped, mirrored and recoloured at random; a share of them degraded.

    What is wrong with a photo is handed over instead of the batch: of an error raised in a worker process, PyTorch
    makes one whose message is a traceback.
    """

    def __init__(
        self, files: Sequence[Path], side: int, sentences: Sentences, count: int, *, augment: bool, degrade: float = 0.0
    ) -> None:
        self.side, self.sentences, self.count, self.augment, self.degrade = side, sentences, count, augment, degrade
        # An array, because worker processes copy the memory of each Python object that they look at.
        self._files = np.array([os.fsencode(file) for file in files])

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, step: Step) -> Batch | PhotoError:
        chance = random.Random(step.seed)
        try:
            pixels = [read_photo(Path(os.fsdecode(self._files[file]))) for file in step.files]
        except PhotoError as error:
            return error
        if self.augment:
            pairs = zip(pixels, self.sentences.mirrorable[step.files], strict=True)
            pixels = [augment(photo, self.side, chance, mirror=bool(may_be)) for photo, may_be in pairs]
        inputs = np.concatenate([to_input(photo, self.side) for photo in pixels])
        for place, image in enumerate(inputs):
            if self.degrade and chance.random() < self.degrade:
                inputs[place] = degrade(image, chance)
        images = torch.from_numpy(inputs)
        photos, file = self.sentences.of_files(step.files)
        return Batch(torch.tensor(photos), images, file, *self.sentences.sample(photos, self.count, chance))


class FeatureBatches(Dataset[Batch]):
    """Features that were computed once: (2, files, C, grid, grid), as the photo is and mirrored."""

    def __init__(self, features: NDArray[np.float16], sentences: Sentences, count: int, *, augment: bool) -> None:
        self.features, self.sentences, self.count, self.augment = features, sentences, count, augment

    def __len__(self) -> int:
        return self.features.shape[1]

    def __getitem__(self, step: Step) -> Batch:
        chance = random.Random(step.seed)
        mirror = np.array([chance.random() < 0.5 for _ in step.files])
        view = mirror & self.sentences.mirrorable[step.files] & self.augment
        features = torch.from_numpy(self.features[view.astype(int), step.files])
        photos, file = self.sentences.of_files(step.files)
        return Batch(torch.tensor(photos), features, file, *self.sentences.sample(photos, self.count, chance))


def augment(pixels: Pixels, side: int, chance: random.Random, *, mirror: bool) -> Pixels:
    """Crop to 70-100% of each side, mirror half of the time if allowed, change brightness, contrast and saturation."""
    height, width = pixels.shape[:2]
    tall, wide = (max(1, int(side * chance.uniform(0.7, 1))) for side in (height, width))
    top, left = chance.randint(0, height - tall), chance.randint(0, width - wide)
    crop = cv2.resize(pixels[top : top + tall, left : left + wide], (side, side), interpolation=cv2.INTER_LINEAR)
    if mirror and chance.random() < 0.5:
        crop = cv2.flip(crop, 1)
    grey = cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    crop = cv2.addWeighted(crop, saturation := chance.uniform(0.7, 1.3), grey, 1 - saturation, 0)
    contrast = chance.uniform(0.8, 1.2)
    brightness = chance.uniform(-25, 25) + 128 * (1 - contrast)
    return np.asarray(cv2.convertScaleAbs(crop, alpha=contrast, beta=brightness), np.uint8)


def in_steps(photos: Sequence[Path], size: int, side: int) -> Iterator[Tensor]:
    """Read photos in batches of (up to size, side, side, 3)."""
    for start in range(0, len(photos), size):
        pixels = [to_input(read_photo(photo), side) for photo in photos[start : start + size]]
        yield torch.from_numpy(np.concatenate(pixels))
