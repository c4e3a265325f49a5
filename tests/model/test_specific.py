"""What is special of a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_caption.errors import ConfigError
from edge_caption.images.frame import Pixels
from edge_caption.model.captioner import Captioner
from edge_caption.model.decoder import Decoder, beam_search, greedy
from edge_caption.model.encoder import Seen
from edge_caption.model.specific import SpecificDecoder
from edge_caption.model.vocabulary import END, SPECIAL

USUAL, SPECIAL_WORD, UNLIKELY = range(len(SPECIAL), len(SPECIAL) + 3)


class Graph:
    """Says one word, then ends: the picture's number decides which is how likely."""

    def run(self, token: np.ndarray, state: np.ndarray, regions: np.ndarray, keys: np.ndarray) -> list[np.ndarray]:
        first = np.full(len(SPECIAL) + 3, 1e-9)
        first[[USUAL, SPECIAL_WORD, UNLIKELY]] = (0.55, 0.44, 0.01) if regions[0, 0, 0] else (0.9, 0.05, 0.0001)
        last = np.full(len(SPECIAL) + 3, 1e-9)
        last[END] = 1
        rows = [last if said else first for said in state[:, 0]]
        scores = np.log(np.array(rows) / np.sum(rows, 1, keepdims=True)).astype(np.float32)
        return [scores, state + 1, np.ones((len(token), 1), np.float32)]


def picture(number: float) -> Seen:
    region = np.full((1, 1, 1), number, np.float32)
    return Seen(region, region, np.zeros((1, 1), np.float32))


@pytest.mark.parametrize(("strength", "word"), [(0.0, USUAL), (0.05, USUAL), (0.2, SPECIAL_WORD), (1.0, SPECIAL_WORD)])
def test_what_any_picture_gets_is_said_less_and_what_is_unlikely_never(strength: float, word: int) -> None:
    plain = Decoder(Graph())  # type: ignore[arg-type]
    decoder, seen = SpecificDecoder(plain, picture(0), strength), picture(1)
    for found in (
        greedy(decoder, decoder.begin(seen), 5),
        beam_search(decoder, decoder.begin(seen), 5, beams=3, length_penalty=0.7),
    ):
        assert found.tokens == (word,)
        told = decoder.true_probability(found, seen, 5)
        assert told.log_prob == pytest.approx(np.log(0.55 if word == USUAL else 0.44), abs=1e-4)
        assert told.log_probs == pytest.approx((told.log_prob,), abs=1e-4)


class Stubborn:
    """Hardly knows more than one word."""

    def run(self, token: np.ndarray, state: np.ndarray, regions: np.ndarray, keys: np.ndarray) -> list[np.ndarray]:
        row = np.full(len(SPECIAL) + 3, 1e-9)
        row[[USUAL, SPECIAL_WORD, UNLIKELY, END]] = 0.97, 0.02, 0.005, 0.005
        scores = np.log(np.tile(row, (len(token), 1))).astype(np.float32)
        return [scores, state + 1, np.ones((len(token), 1), np.float32)]


def test_where_the_only_plausible_word_would_repeat_what_was_said_another_is_said() -> None:
    decoder, seen = SpecificDecoder(Decoder(Stubborn()), picture(0), 0.3), picture(1)  # type: ignore[arg-type]
    for found in (
        greedy(decoder, decoder.begin(seen), 8),
        beam_search(decoder, decoder.begin(seen), 8, beams=3, length_penalty=0.7),
    ):
        assert len(found.tokens) > 3
        assert min(found.tokens) >= len(SPECIAL)
        told = decoder.true_probability(found, seen, 8)
        assert np.isfinite([found.log_prob, told.log_prob, *told.log_probs]).all()


def test_a_captioner_prefers_what_is_special_and_tells_true_probabilities(tiny_bundle: Path, picture: Pixels) -> None:
    likeliest, special, none = (
        Captioner(tiny_bundle, beam=1, threads=1, specific=strength).caption(picture) for strength in (None, 0.9, 0.0)
    )
    assert (none.text, none.log_prob) == (likeliest.text, likeliest.log_prob)
    assert special.log_prob <= likeliest.log_prob + 1e-4
    assert sum(word.log_prob for word in special.words) >= special.log_prob
    with pytest.raises(ConfigError, match="specific must be 0 to 1, not 2"):
        Captioner(tiny_bundle, specific=2)
