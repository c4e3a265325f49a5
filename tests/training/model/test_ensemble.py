"""Captioners that speak as one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from edge_caption.images.photos import read_photo
from edge_caption.model.preprocess import to_input
from edge_caption.model.vocabulary import END, SPECIAL, START, Vocabulary
from tests.conftest import ROOT
from training.errors import DataError
from training.model.caption_model import CaptionModel, Dimensions
from training.model.checkpoint import Checkpoint
from training.model.decoding import NEVER_SAID
from training.model.ensemble import Ensemble

WORDS = [f"word{number}" for number in range(20)]
PHOTOS = [ROOT / "edge_caption" / "demo" / "photos" / name for name in ("wren.jpg", "walkers.jpg")]


def captioner(seed: int, *, hidden: int = 16, side: int = 64) -> Checkpoint:
    """One without training, that is sure of what it says."""
    torch.manual_seed(seed)
    vocabulary = Vocabulary([*SPECIAL, *WORDS])
    model = CaptionModel(Dimensions(region=16, attention=8, hidden=hidden, embedding=12, side=side), len(vocabulary))
    torch.nn.init.normal_(model.decoder.embedding.weight)
    torch.nn.init.normal_(model.decoder.from_state.weight)
    return Checkpoint(model.eval(), vocabulary)


def pixels(photo: Path, side: int) -> torch.Tensor:
    return torch.from_numpy(to_input(read_photo(photo), side))


def with_words_in_another_order(one: Checkpoint) -> Checkpoint:
    return one.with_words(Vocabulary([*SPECIAL, *reversed(WORDS)]), one.languages)


def test_with_one_beam_each_word_is_the_likeliest() -> None:
    members = [captioner(1), captioner(2, hidden=24, side=96)]
    for photo, (found,) in zip(PHOTOS, Ensemble(members, "en").say(PHOTOS, 1), strict=True):
        for log_probs, token in zip(steps(members, photo, found), found, strict=True):
            log_probs[NEVER_SAID] = -np.inf
            assert log_probs[token] == pytest.approx(log_probs.max(), abs=0.05)  # bfloat16 finds many equal


def test_beams_are_ordered_by_what_both_find_likely_for_the_length() -> None:
    members = [captioner(1), captioner(2, hidden=24, side=96)]
    for photo, found in zip(PHOTOS, Ensemble(members, "en").say(PHOTOS, 4), strict=True):
        assert len({tuple(tokens) for tokens in found}) == len(found) == 4
        scores = [score(members, photo, tokens) for tokens in found]
        assert scores == pytest.approx(sorted(scores, reverse=True), abs=0.02)


def score(members: list[Checkpoint], photo: Path, tokens: list[int]) -> float:
    pairs = zip(steps(members, photo, tokens), tokens, strict=True)
    return float(np.mean([log_probs[token] for log_probs, token in pairs]))


def steps(members: list[Checkpoint], photo: Path, tokens: list[int]) -> list[NDArray[np.float32]]:
    """Compute the log-probabilities (V,) at each token of a sentence, word by word, without beams."""
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        seen = [member.model.encoder(pixels(photo, member.model.encoder.side)) for member in members]
        states, found = [one.state.unsqueeze(1) for one in seen], []
        for before in [START, *tokens[:-1]]:
            moved = [
                member.model.decoder.step(torch.tensor([[before]]), state, one.regions, one.keys)
                for member, state, one in zip(members, states, seen, strict=True)
            ]
            states = [state for _, state, _ in moved]
            found.append(torch.stack([log_probs[0, 0].float().exp() for log_probs, *_ in moved]).mean(0).log().numpy())
    return found


def test_a_captioner_with_its_words_in_another_order_agrees_with_itself() -> None:
    one = captioner(1)
    (alone,), (together,) = (
        Ensemble(members, "en").say(PHOTOS[:1], 3) for members in ([one], [one, with_words_in_another_order(one)])
    )
    assert together == alone


def test_what_is_never_said_is_not_said() -> None:
    one = captioner(1)
    with torch.no_grad():
        one.model.decoder.word_bias[NEVER_SAID] = 50.0
    for found in Ensemble([one], "en").say(PHOTOS, 2):
        for tokens in found:
            assert not set(tokens) & set(NEVER_SAID)
            assert END not in tokens[:-1]


def test_a_captioner_of_another_language_is_refused() -> None:
    with pytest.raises(DataError, match="speaks en, not zh; leave it out"):
        Ensemble([captioner(1)], "zh")
