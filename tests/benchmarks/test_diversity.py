from __future__ import annotations

import pytest

from benchmarks.diversity import distinct, diversity, self_bleu


def split(*sentences: str) -> list[tuple[str, ...]]:
    return [tuple(sentence.split()) for sentence in sentences]


def test_distinct_counts_different_ngrams_over_all_sentences() -> None:
    said = split("a dog runs", "a dog sits")
    assert distinct(said, 1) == 4 / 6
    assert distinct(said, 2) == 3 / 4


def test_a_parrots_self_bleu_is_one_and_strangers_is_zero() -> None:
    assert self_bleu(split(*["a dog runs over grass"] * 3)) == 1
    assert self_bleu(split("a dog runs over grass", "two men sit down here")) == 0


def test_self_bleu_clips_what_one_sentence_says_more_often_than_any_other() -> None:
    # The five of the first sentence find only the other's four, and so on for longer n-grams.
    assert self_bleu(split("a a a a a", "a a a a")) == pytest.approx((8 / 9 * 6 / 7 * 4 / 5 * 2 / 3) ** 0.25)


def test_novel_means_not_among_the_training_sentences() -> None:
    said = split("a dog runs", "a cat", "a cat", "two men")
    assert diversity(said, set(split("a cat", "a dog")))["novel_sentences"] == 0.5
    assert "novel_sentences" not in diversity(said, set())
    assert diversity(said, set())["distinct_sentences"] == 0.75


def test_sentences_without_words_are_counted() -> None:
    assert diversity([(), ()], set())["self_bleu_4"] == 0
