from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from edge_caption.frame import Pixels
from edge_caption.vocabulary import END, PAD, START
from tests.conftest import encode
from training.batches import FeatureBatches, PhotoBatches, Sentences, augment
from training.data.photos import CaptionedPhoto
from training.languages import LANGUAGES
from training.words import build_vocabulary

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
    inputs, _ = sentences.sample([0, 2], 1)
    assert inputs[:, 0, 0].tolist() == [START, 4]
    assert sentences.mirrorable == [True, False, False]


def test_rare_words_are_left_out_of_the_vocabulary(photos: list[CaptionedPhoto]) -> None:
    vocabulary = build_vocabulary(photos, 2)
    assert vocabulary.words[4:] == ("a", "dog")


def test_inputs_and_targets_are_one_word_apart(photos: list[CaptionedPhoto]) -> None:
    vocabulary = build_vocabulary(photos, 1)
    sentences = Sentences(photos, vocabulary, max_words=3)
    inputs, targets = sentences.sample([0, 1], 3)
    assert inputs.shape == targets.shape == (2, 3, 4)
    assert (inputs[:, 0, 0] == START).all()
    goes_on = (targets[..., :-1] != PAD) & (targets[..., :-1] != END)
    assert (inputs[..., 1:][goes_on] == targets[..., :-1][goes_on]).all()
    assert (targets == END).sum() == 4  # three sentences of the first photo, one of the second
    assert (targets[1, 1:] == PAD).all()


def test_photos_that_say_left_or_right_are_never_mirrored(photos: list[CaptionedPhoto]) -> None:
    sentences = Sentences(photos, build_vocabulary(photos, 1), max_words=9)
    assert sentences.mirrorable == [True, False]
    features = np.stack([np.zeros((2, 1)), np.ones((2, 1))]).astype(np.float16)
    drawn = [FeatureBatches(features, sentences, 1, augment=True)[[0, 1]].photos for _ in range(50)]
    assert {float(batch[0]) for batch in drawn} == {0.0, 1.0}
    assert {float(batch[1]) for batch in drawn} == {0.0}


def test_photos_come_as_the_device_sees_them(photos: list[CaptionedPhoto]) -> None:
    sentences = Sentences(photos, build_vocabulary(photos, 1), max_words=9)
    batch = PhotoBatches(photos, sentences, 1, augment=False)[[1, 0]]
    assert batch.photos.shape == (2, 224, 224, 3)
    assert batch.indices.tolist() == [1, 0]


def test_augmenting_changes_the_picture_but_not_its_form(picture: Pixels) -> None:
    random.seed(5)
    changed = [augment(picture, mirror=True) for _ in range(4)]
    assert all(pixels.shape == (224, 224, 3) and pixels.dtype == np.uint8 for pixels in changed)
    assert len({pixels.tobytes() for pixels in changed}) == 4
