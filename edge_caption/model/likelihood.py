"""How likely the model finds a given sentence, instead of the likeliest sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from edge_caption.errors import ConfigError
from edge_caption.model.decoder import Decoder
from edge_caption.model.encoder import Floats, Seen
from edge_caption.model.vocabulary import END, UNKNOWN, Vocabulary
from edge_caption.text import split_words


@dataclass(frozen=True)
class Question:
    """A sentence as the model reads it."""

    text: str

    tokens: tuple[int, ...]
    """T word tokens, UNKNOWN for a word that the vocabulary lacks."""

    unknown: tuple[str, ...]
    """The words that the vocabulary lacks; they count neither for nor against a photo."""


def read_question(sentence: str, vocabulary: Vocabulary, joiner: str, longest: int) -> Question:
    """Cut a sentence into the vocabulary's words.

    Args:
        sentence: as a person writes it.
        vocabulary: the words that the model knows.
        joiner: what stands between words; nothing in Chinese, which is cut where the vocabulary's longest words are.
        longest: words that a question may have.

    Raises:
        ConfigError: the model knows none of the words, or there are too many.
    """
    cut = split_words(sentence)
    words = cut if joiner else [word for run in cut for word in _longest_words(run, vocabulary)]
    tokens = tuple(vocabulary.encode(words))
    unknown = tuple(word for word, token in zip(words, tokens, strict=True) if token == UNKNOWN)
    if len(unknown) == len(words):
        raise ConfigError(f"the model knows no word of {sentence!r}; say it in other words")
    if len(words) > longest:
        raise ConfigError(f"the sentence has {len(words)} words; ask with {longest} at most")
    return Question(sentence, tokens, unknown)


def _longest_words(run: str, vocabulary: Vocabulary) -> Iterator[str]:
    known = frozenset(vocabulary.words)
    at = 0
    while at < len(run):
        end = next((end for end in range(len(run), at, -1) if run[at:end] in known), at + 1)
        yield run[at:end]
        at = end


def log_probs(decoder: Decoder, seen: Seen, questions: Sequence[Question]) -> Floats:
    """Return the natural logarithm of each question's probability given a picture; shape (Q,).

    The sentence's end does not count, so that a few words are a question, too.
    """
    lengths = np.array([len(question.tokens) for question in questions])
    order = np.argsort(-lengths, kind="stable")  # those that have ended are at the end, and left out
    lengths = lengths[order]
    tokens = np.full((len(questions), lengths[0]), END, np.int64)
    for row, index in enumerate(order):
        tokens[row, : lengths[row]] = questions[index].tokens
    total = np.zeros(len(questions), np.float32)
    before = np.full(len(questions), decoder.start, np.int64)
    state = np.repeat(seen.state, len(questions), axis=0)
    for step in range(lengths[0]):
        count = int((lengths > step).sum())
        scores, state = decoder.predict(before[:count], state[:count], seen)
        before = tokens[:count, step]
        # UNKNOWN stands for any word, so its probability says nothing of this one.
        total[order[:count]] += np.where(before == UNKNOWN, 0, scores[np.arange(count), before])
    return total


def nothing_seen(seen: Seen) -> Seen:
    """Return what stands for no picture at all: zeros of the shapes of a picture that was seen."""
    return Seen(np.zeros_like(seen.regions), np.zeros_like(seen.keys), np.zeros_like(seen.state))
