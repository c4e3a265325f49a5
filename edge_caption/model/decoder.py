"""What was seen -> a sentence: one step, and the searches that are made of steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge_caption.model.backends.session import Session
from edge_caption.model.encoder import Floats, Seen
from edge_caption.model.vocabulary import END, SPECIAL, START, UNKNOWN

Never = Sequence[Sequence[int]]
"""For each sentence the words that may not come next."""

NGRAM = 3
"""No run of so many words comes twice in a sentence (Paulus et al. 2018)."""


@dataclass(frozen=True)
class Sentence:
    """A sentence that a search found; T words."""

    tokens: tuple[int, ...]
    """T word tokens, without START and END."""

    log_probs: tuple[float, ...]
    """T natural logarithms, one a word."""

    attentions: tuple[Floats, ...]
    """T arrays of shape (R,)."""

    log_prob: float
    """Of the whole, END included."""


class Decoder:
    """The decoder graph, told to speak a language."""

    def __init__(
        self, session: Session, start: int = START, special: int = len(SPECIAL), not_last: Iterable[int] = ()
    ) -> None:
        """Take the graph.

        Args:
            start: the token that a sentence begins with.
            special: how many special words there are, `vocabulary.special`.
            not_last: the words that no sentence ends with.
        """
        self._session = session
        self.start = start
        self._special = special
        # A sentence without words would end with its start.
        self._not_last = {start, *not_last}

    def step(
        self, tokens: NDArray[np.int64], state: Floats, seen: Seen, never: Never = ()
    ) -> tuple[Floats, Floats, Floats]:
        """Go on from B words.

        Args:
            tokens: shape (B,), the words before.
            state: shape (B, H).
            seen: of one picture; B sentences share it.
            never: B lists of words that may not come next; none if empty.

        Returns:
            Log-probabilities (B, V), with -inf for what is never said; states (B, H); attentions (B, R).
        """
        log_probs, state, attention = self._run(tokens, state, seen)
        # PAD and START come before END. Slices, which take less time than a list of columns.
        log_probs[:, :END] = -np.inf
        log_probs[:, UNKNOWN : self._special] = -np.inf
        for row, token in enumerate(tokens.tolist()):
            if token in self._not_last:
                log_probs[row, END] = -np.inf
        for row, words in enumerate(never):
            if words:
                log_probs[row, words] = -np.inf
                if log_probs[row].max() == -np.inf:  # where nothing may be said any more, the sentence ends
                    log_probs[row, END] = 0.0
        return log_probs, state, attention

    def predict(self, tokens: NDArray[np.int64], state: Floats, seen: Seen) -> tuple[Floats, Floats]:
        """Go on as `step` does, but with the probability of what is never said, too.

        Returns:
            Log-probabilities (B, V); states (B, H).
        """
        log_probs, state, _ = self._run(tokens, state, seen)
        return log_probs, state

    def _run(self, tokens: NDArray[np.int64], state: Floats, seen: Seen) -> Sequence[Floats]:
        return self._session.run(token=tokens, state=state, regions=seen.regions, keys=seen.keys)


class Steps(Protocol):
    """What a search goes step by step through: a decoder, or one with preferences."""

    start: int

    def step(
        self, tokens: NDArray[np.int64], state: Floats, seen: Seen, never: Never = (), /
    ) -> tuple[Floats, Floats, Floats]:
        """Go on from B words, as `Decoder.step`; each row has at least one word that may come next."""
        ...


def greedy(decoder: Steps, seen: Seen, max_words: int) -> Sentence:
    """Take the likeliest word at each step, none that would repeat a trigram."""
    tokens: list[int] = []
    log_probs: list[float] = []
    attentions: list[Floats] = []
    state, token, end = seen.state, decoder.start, 0.0
    for _ in range(max_words):
        scores, state, attention = decoder.step(np.array([token], np.int64), state, seen, [_blocked(tokens)])
        row = scores[0]
        token = int(row.argmax())
        if token == END:
            end = float(row[END])
            break
        tokens.append(token)
        log_probs.append(float(row[token]))
        attentions.append(attention[0])
    return Sentence(tuple(tokens), tuple(log_probs), tuple(attentions), sum(log_probs) + end)


@dataclass(frozen=True)
class _Beam:
    """A sentence that has not ended, and its row in the last step's state."""

    sentence: Sentence
    row: int

    def grow(self, token: int, log_prob: float, attention: Floats, row: int) -> _Beam:
        said = self.sentence
        return _Beam(
            Sentence(
                (*said.tokens, token),
                (*said.log_probs, log_prob),
                (*said.attentions, attention),
                said.log_prob + log_prob,
            ),
            row,
        )


def beam_search(decoder: Steps, seen: Seen, max_words: int, beams: int, length_penalty: float) -> Sentence:
    """Keep the likeliest `beams` sentences at each step; return the best per length^length_penalty.

    Ends when as many sentences have ended, for then no open one has been likelier for some steps.
    """
    open_beams = [_Beam(Sentence((), (), (), 0.0), 0)]
    ended: list[Sentence] = []
    state = seen.state
    for _ in range(max_words):
        last = [beam.sentence.tokens[-1] if beam.sentence.tokens else decoder.start for beam in open_beams]
        never = [_blocked(beam.sentence.tokens) for beam in open_beams]
        scores, state, attention = decoder.step(np.array(last, np.int64), state, seen, never)
        open_beams, finished = _extend(open_beams, scores, attention, beams)
        ended += finished
        if len(ended) >= beams or not open_beams:
            break
        state = state[[beam.row for beam in open_beams]]
    candidates = ended or [beam.sentence for beam in open_beams]
    return max(candidates, key=lambda sentence: sentence.log_prob / (len(sentence.tokens) + 1) ** length_penalty)


def _extend(
    open_beams: list[_Beam], scores: Floats, attention: Floats, beams: int
) -> tuple[list[_Beam], list[Sentence]]:
    """Return the likeliest longer sentences: those that go on, and those that end here."""
    totals = scores + np.array([[beam.sentence.log_prob] for beam in open_beams], np.float32)
    beams = min(beams, totals.size)
    best = np.argpartition(totals, -beams, axis=None)[-beams:]
    going_on, ended = [], []
    for flat in sorted(best.tolist(), key=lambda index: -totals.flat[index]):
        row, token = divmod(flat, scores.shape[1])
        said, log_prob = open_beams[row].sentence, float(scores[row, token])
        if log_prob == -np.inf:  # fewer than `beams` may come next
            continue
        if token == END:
            ended.append(Sentence(said.tokens, said.log_probs, said.attentions, said.log_prob + log_prob))
        else:
            going_on.append(open_beams[row].grow(token, log_prob, attention[row], row))
    return going_on, ended


def _blocked(tokens: Sequence[int]) -> list[int]:
    """Return the words that would repeat an n-gram."""
    prefix = tokens[1 - NGRAM :]
    starts = range(len(tokens) - NGRAM + 1)
    return [tokens[start + NGRAM - 1] for start in starts if tokens[start : start + NGRAM - 1] == prefix]
