from __future__ import annotations

import random
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from edge_caption.images.frame import Pixels
from edge_caption.model.vocabulary import END, PAD, START
from export.strange import strange_pictures
from tests.conftest import encode
from training.data.batches import Batch, FeatureBatches, PhotoBatches, Sentences, Step, Steps, augment
from training.data.captioned_photos import CaptionedPhoto, files_of
from training.data.words import build_vocabulary
from training.languages import LANGUAGES

CAPTIONS = (("A dog runs .", "The dog 's tail", "Dogs"), ("A man turns left .",))


@pytest.fixture
def photos(tmp_path: Path, picture: Pixels) -> list[CaptionedPhoto]:
    files = [tmp_path / f"{number}.png" for number in range(2)]
    for file in files:
        file.write_bytes(encode(picture, ".png"))
    return [CaptionedPhoto(file, captions) for file, captions in zip(files, CAPTIONS, strict=True)]


def test_words_are_lower_case_without_punctuation() -> None:
    split = LANGUAGES["en"].split
    assert split('A tri-colored Dog, the dog\'s "ball" !') == ["a", "tri-colored", "dog", "the", "dog's", "ball"]


def test_chinese_is_cut_into_words_as_jieba_does() -> None:
    assert LANGUAGES["zh"].split("穿T恤的小女孩。") == ["穿", "t恤", "的", "小女孩"]


def test_each_further_language_has_a_start_of_its_own(photos: list[CaptionedPhoto]) -> None:
    both = [*photos, CaptionedPhoto(photos[0].file, ("左边的狗。",), "zh")]
    vocabulary = build_vocabulary(both, 1)
    assert vocabulary.words[4] == "<zh>"
    assert {"dog", "狗"} < set(vocabulary.words)
    sentences = Sentences(both, vocabulary, max_words=9)
    inputs, _, _ = sentences.sample([0, 2], 1, random.Random(1))
    assert inputs[:, 0, 0].tolist() == [START, 4]
    assert sentences.mirrorable.tolist() == [False, False]


def test_rare_words_are_left_out_of_the_vocabulary(photos: list[CaptionedPhoto]) -> None:
    vocabulary = build_vocabulary(photos, 2)
    assert vocabulary.words[4:] == ("a", "dog")


def test_inputs_and_targets_are_one_word_apart(photos: list[CaptionedPhoto]) -> None:
    vocabulary = build_vocabulary(photos, 1)
    sentences = Sentences(photos, vocabulary, max_words=3)
    inputs, targets, trust = sentences.sample([0, 1], 3, random.Random(1))
    assert inputs.shape == targets.shape == (2, 3, 4)
    assert (inputs[:, 0, 0] == START).all()
    goes_on = (targets[..., :-1] != PAD) & (targets[..., :-1] != END)
    assert (inputs[..., 1:][goes_on] == targets[..., :-1][goes_on]).all()
    assert (targets == END).sum() == 4  # three sentences of the first photo, one of the second
    assert (targets[1, 1:] == PAD).all()
    assert trust.tolist() == [[1, 1, 1], [1, 0, 0]]


def test_photos_that_say_left_or_right_are_never_mirrored(photos: list[CaptionedPhoto]) -> None:
    sentences = Sentences(photos, build_vocabulary(photos, 1), max_words=9)
    assert sentences.mirrorable.tolist() == [True, False]
    features = np.stack([np.zeros((2, 1)), np.ones((2, 1))]).astype(np.float16)
    batches = FeatureBatches(features, sentences, 1, augment=True)
    drawn = [batches[Step([0, 1], seed)].files for seed in range(50)]
    assert {float(batch[0]) for batch in drawn} == {0.0, 1.0}
    assert {float(batch[1]) for batch in drawn} == {0.0}


def test_two_languages_share_a_file(photos: list[CaptionedPhoto]) -> None:
    both = [*photos, CaptionedPhoto(photos[1].file, ("狗。",), "zh")]
    sentences = Sentences(both, build_vocabulary(both, 1), max_words=9)
    features = np.stack([np.arange(2.0)[:, None]] * 2).astype(np.float16)
    batch = FeatureBatches(features, sentences, 1, augment=False)[Step([1, 0], 0)]
    assert batch.files.flatten().tolist() == [1.0, 0.0]
    assert batch.indices.tolist() == [1, 2, 0]
    assert batch.file.tolist() == [0, 0, 1]
    assert batch.starts.tolist() == [START, 4, START]


def test_photos_come_as_the_device_sees_them(photos: list[CaptionedPhoto]) -> None:
    sentences = Sentences(photos, build_vocabulary(photos, 1), max_words=9)
    batch = PhotoBatches(files_of(photos), 288, sentences, 1, augment=False)[Step([1, 0], 1)]
    assert isinstance(batch, Batch)
    assert batch.files.shape == (2, 288, 288, 3)
    assert batch.indices.tolist() == [1, 0]


def test_augmenting_changes_the_picture_but_not_its_form(picture: Pixels) -> None:
    chance = random.Random(5)
    changed = [augment(picture, 288, chance, mirror=True) for _ in range(4)]
    assert all(pixels.shape == (288, 288, 3) and pixels.dtype == np.uint8 for pixels in changed)
    assert len({pixels.tobytes() for pixels in changed}) == 4


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (2, 3), (4, 4)])
def test_a_photo_of_a_few_pixels_is_a_photo_too(tmp_path: Path, size: tuple[int, int]) -> None:
    pixels = np.zeros((*size, 3), np.uint8)
    assert augment(pixels, 64, random.Random(5), mirror=True).shape == (64, 64, 3)
    cv2.imwrite(str(tmp_path / "few.png"), pixels)
    assert len(strange_pictures([tmp_path / "few.png"], 5)) == 5


def test_processes_share_out_an_epoch() -> None:
    shares = [Steps(np.ones(50), 16, 1, shuffle=True, process=process, processes=2) for process in range(2)]
    steps = [list(share) for share in shares]
    assert [len(step.files) for step in steps[0]] == [8, 8, 8, 1]
    assert sorted(photo for share in steps for step in share for photo in step.files) == list(range(50))


def test_an_epochs_order_depends_on_nothing_but_seed_and_epoch() -> None:
    went_on, from_the_start = (Steps(np.ones(50), 16, 1, shuffle=True) for _ in range(2))
    first = list(from_the_start)
    for steps in (went_on, from_the_start):
        steps.set_epoch(1)
    assert list(went_on) == list(from_the_start) != first


def test_a_step_is_always_read_the_same(photos: list[CaptionedPhoto]) -> None:
    sentences = Sentences(photos, build_vocabulary(photos, 1), max_words=9)
    batches = PhotoBatches(files_of(photos), 224, sentences, 2, augment=True)
    first, again, other = (batches[Step([0, 1], seed)] for seed in (1, 1, 2))
    assert isinstance(first, Batch)
    assert isinstance(again, Batch)
    assert isinstance(other, Batch)
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    assert not torch.equal(first.files, other.files)


def test_sentences_close_with_the_end(photos: list[CaptionedPhoto]) -> None:
    vocabulary = build_vocabulary(photos, 1)
    sentences = Sentences(photos, vocabulary, max_words=3)
    assert [len(tokens) for tokens in sentences[0]] == [4, 4, 2]
    assert [vocabulary.decode(tokens) for tokens in sentences[1]] == [["a", "man", "turns"]]
