"""A checkpoint that goes on with other words."""

import torch

from edge_caption.vocabulary import SPECIAL, Vocabulary
from training.checkpoint import Checkpoint
from training.model import CaptionModel, Dimensions

SIZE = Dimensions(region=16, attention=8, hidden=16, embedding=12)


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
