"""The searches, against a language of six words whose every sentence can be listed."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_caption.model.backends.session import Arrays
from edge_caption.model.decoder import NGRAM, Decoder, Sentence, beam_search, greedy
from edge_caption.model.encoder import Seen
from edge_caption.model.vocabulary import END, SPECIAL, START

WORDS = len(SPECIAL) + 3
SEEN = Seen(np.ones((1, 4, 2), np.float32), np.ones((1, 4, 2), np.float32), np.zeros((1, 1), np.float32))


class Chain:
    """A graph whose next word depends on the last word and on how many were said."""

    def __init__(self, seed: int) -> None:
        logits = np.random.default_rng(seed).normal(0, 1.5, (12, WORDS, WORDS))
        self.log_probs = (logits - np.log(np.exp(logits).sum(-1, keepdims=True))).astype(np.float32)

    def run(self, **inputs: NDArray[Any]) -> Arrays:
        token, state = inputs["token"], inputs["state"]
        scores = self.log_probs[state[:, 0].astype(int), token].copy()
        return scores, state + 1, np.full((len(token), 4), 0.25, np.float32)

    def score(self, tokens: tuple[int, ...]) -> float:
        path = zip(range(len(tokens) + 1), (START, *tokens), (*tokens, END), strict=True)
        return float(sum(self.log_probs[step, last, word] for step, last, word in path))


def every_sentence(longest: int) -> list[tuple[int, ...]]:
    words = range(len(SPECIAL), WORDS)
    return [tokens for length in range(1, longest + 1) for tokens in itertools.product(words, repeat=length)]


@pytest.mark.parametrize("seed", range(8))
def test_a_beam_as_wide_as_the_language_finds_the_best_sentence(seed: int) -> None:
    chain = Chain(seed)
    found = beam_search(Decoder(chain), SEEN, 4, beams=500, length_penalty=0.0)
    best = max(every_sentence(3), key=chain.score)
    assert found.tokens == best
    assert found.log_prob == pytest.approx(chain.score(best), abs=1e-5)


@pytest.mark.parametrize("seed", range(8))
def test_greedy_takes_the_likeliest_word_each_time(seed: int) -> None:
    chain = Chain(seed)
    found = greedy(Decoder(chain), SEEN, 3)
    last = START
    for step, token in enumerate(found.tokens):
        allowed = [*range(len(SPECIAL), WORDS)] + ([END] if step else [])
        assert token == max(allowed, key=lambda word: chain.log_probs[step, last, word])
        last = token


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("beams", [1, 3])
def test_no_trigram_comes_twice_and_no_sentence_is_empty(seed: int, beams: int) -> None:
    decoder = Decoder(Chain(seed))
    found = greedy(decoder, SEEN, 12) if beams == 1 else beam_search(decoder, SEEN, 12, beams, 0.7)
    runs = [found.tokens[at : at + NGRAM] for at in range(len(found.tokens) - NGRAM + 1)]
    assert len(runs) == len(set(runs))
    assert found.tokens
    assert not {START, END} & set(found.tokens)


@pytest.mark.parametrize("beams", [1, 3])
def test_no_sentence_is_ended_after_a_word_that_cannot_be_last(beams: int) -> None:
    last, longest, would_have = len(SPECIAL), 11, 0
    for seed in range(20):
        free, bound = (
            greedy(decoder, SEEN, longest) if beams == 1 else beam_search(decoder, SEEN, longest, beams, 0.7)
            for decoder in (Decoder(Chain(seed)), Decoder(Chain(seed), not_last=[last]))
        )
        would_have += free.tokens[-1] == last
        # What is cut at the longest length is not ended.
        assert bound.tokens[-1] != last or len(bound.tokens) == longest
    assert would_have > 2


def test_each_word_has_its_probability_and_attention() -> None:
    found = greedy(Decoder(Chain(1)), SEEN, 6)
    assert len(found.log_probs) == len(found.attentions) == len(found.tokens)
    assert all(value <= 0 for value in found.log_probs)


def test_a_wider_beam_never_finds_a_less_likely_sentence_here() -> None:
    for seed in range(20):
        chain = Chain(seed)
        narrow, wide = (beam_search(Decoder(chain), SEEN, 5, beams, 0.0) for beams in (1, 200))
        assert wide.log_prob >= narrow.log_prob - 1e-5


def test_a_sentence_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Sentence((), (), (), 0.0).tokens = (1,)  # type: ignore[misc]


@pytest.mark.parametrize("beams", [1, 3, 20])
@pytest.mark.parametrize("seed", range(8))
def test_a_language_in_which_no_word_may_be_last_ends_when_all_is_said(seed: int, beams: int) -> None:
    chain = Chain(seed)
    chain.log_probs = np.tile(chain.log_probs, (10, 1, 1))
    words = range(len(SPECIAL), WORDS)
    decoder = Decoder(chain, not_last=words)
    found = greedy(decoder, SEEN, 100) if beams == 1 else beam_search(decoder, SEEN, 100, beams, 0.7)
    assert np.isfinite(found.log_prob)
    assert found.tokens
    assert set(found.tokens) <= set(words)


def test_what_can_not_come_next_is_no_sentence_that_ended() -> None:
    """A beam that is wider than the language: the search went on too short when ends that can't be counted."""
    chain = Chain(3)
    chain.log_probs[:3, :, END] = -np.inf
    found = beam_search(Decoder(chain), SEEN, 6, 20, 0.0)
    assert len(found.tokens) >= 3
    assert np.isfinite(found.log_prob)
