"""A checkpoint that goes on with other words."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from edge_caption.errors import BundleError
from edge_caption.model.vocabulary import SPECIAL, Vocabulary
from training.errors import DataError
from training.model.backbones import load_imagenet
from training.model.caption_model import CaptionModel, Dimensions
from training.model.checkpoint import Checkpoint, load_checkpoint

SIZE = Dimensions(region=16, attention=8, hidden=16, embedding=12)
SMALL = CaptionModel(SIZE, len(SPECIAL))


def captioner(*words: str) -> Checkpoint:
    vocabulary = Vocabulary([*SPECIAL, *words])
    return Checkpoint(CaptionModel(SIZE, len(vocabulary)).eval(), vocabulary, {"data": "another"})


def test_known_words_keep_their_weights_wherever_they_now_stand() -> None:
    old = captioner("a", "dog", "runs")
    torch.nn.init.normal_(old.model.decoder.word_bias)

    new = old.with_words(Vocabulary([*SPECIAL, "<zh>", "runs", "狗", "dog"]), ("en", "zh"))

    token, state = torch.tensor([[1]]), torch.randn(1, 1, 16)
    regions, keys = torch.randn(1, 49, 16), torch.randn(1, 49, 8)
    with torch.inference_mode():
        (before, *_), (after, *_) = (one.model.decoder.step(token, state, regions, keys) for one in (old, new))
    same = [("runs", 6, 5), ("dog", 5, 7), ("<end>", 2, 2)]
    differences = {word: float(after[0, 0, here] - before[0, 0, there]) for word, there, here in same}
    assert max(differences.values()) - min(differences.values()) < 1e-5, differences
    assert new.languages == ("en", "zh")
    assert new.trained_on == {"data": "another"}
    assert torch.equal(new.model.encoder.project.weight, old.model.encoder.project.weight)


def test_the_same_words_change_nothing() -> None:
    old = captioner("a", "dog")
    assert old.with_words(Vocabulary([*SPECIAL, "a", "dog"]), ("en",)) is old


def test_a_language_keeps_its_start_by_whatever_word_it_is_written() -> None:
    english = captioner("<zh>", "a", "狗")
    both = Checkpoint(english.model, english.vocabulary, {}, ("en", "zh"))
    torch.nn.init.normal_(both.model.decoder.word_bias)
    chinese = both.with_words(Vocabulary([*SPECIAL, "狗"]), ("zh",)).model.decoder
    reversed_ = both.with_words(Vocabulary([*SPECIAL, "<en>", "狗"]), ("zh", "en")).model.decoder
    was = both.model.decoder
    for new, token, old in ((chinese, 1, 4), (chinese, 4, 6), (reversed_, 1, 4), (reversed_, 4, 1)):
        assert torch.equal(new.embedding.weight[token], was.embedding.weight[old])
        assert new.word_bias[token] == was.word_bias[old]


def test_what_is_no_checkpoint_takes_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("image,caption\na.jpg,a dog\n")
    with pytest.raises(BundleError) as caught:
        load_checkpoint(tmp_path / "c.csv")
    assert str(caught.value) == f"{tmp_path}/c.csv is no checkpoint of this version; train or copy it again"
    with pytest.raises(DataError) as refused:
        load_imagenet(captioner("a").model.encoder.backbone, "mobilenet_v2", tmp_path / "c.csv")
    assert str(refused.value) == f"no ImageNet weights of mobilenet_v2 from {tmp_path}/c.csv; give a file of them"


@pytest.mark.parametrize(
    "load", [load_checkpoint, lambda file: load_imagenet(SMALL.encoder.backbone, SIZE.encoder, file)]
)
def test_a_flipped_bit_is_found_wherever_it_is(tmp_path: Path, load: Callable[[Path], object]) -> None:
    file = tmp_path / "captioner.pt"
    Checkpoint(SMALL, Vocabulary(SPECIAL)).save(file)
    load(file)
    whole = file.read_bytes()
    chance = random.Random(1)
    for _ in range(20):
        altered = bytearray(whole)
        altered[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        file.write_bytes(altered)
        with pytest.raises((BundleError, DataError), match=r"captioner\.pt"):
            load(file)
