"""The coco-caption scores (PTB tokenizer, BLEU, METEOR, ROUGE-L, CIDEr), as published figures are computed.

The tokenizer and METEOR run in Java, as in the original.
"""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.bleu.bleu_scorer import BleuScorer
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.meteor.meteor import Meteor
from pycocoevalcap.rouge.rouge import Rouge

from training.data.captioned_photos import CaptionedPhoto
from training.languages import LANGUAGES, Language
from training.scoring.ptb import Tokenizer

Tokenized = dict[int, list[str]]
"""Photo -> sentences, as pycocoevalcap takes them."""

Captions = Sequence[str]
"""One sentence a photo."""


class Scorer:
    """Scores captions against the references of the same P photos."""

    def __init__(self, references: Sequence[Sequence[str]], language: str = "en", *, characters: bool = False) -> None:
        """Take each photo's sentences.

        English is cut by the PTB tokenizer; another language into the words of its vocabulary or, with `characters`,
        into single ones, and METEOR, which does not know it, is left out.

        Raises:
            ConfigError: Java is missing.
        """
        self._written = references
        self._english = language == "en"
        self._tokenizer = Tokenizer() if self._english else Splitter(LANGUAGES[language], characters)

    def learn(self, runs: Sequence[Captions]) -> None:
        """Tokenize several runs' captions in one start of Java; what scores them later needs none."""
        groups = [*self._written, *runs]
        self._tokenizer.learn(sentence for group in groups for sentence in group)

    def cider(self, captions: Captions) -> float:
        """Return CIDEr (1 is a good human): Vedantam et al. 2015, its D variant."""
        return float(self.cider_of_each(captions).mean())

    def cider_of_each(self, captions: Captions) -> NDArray[np.float64]:
        """Return each photo's CIDEr, shape (P,); words are weighed by how many of all photos' references have them."""
        return np.asarray(Cider().compute_score(*self._tokenized(captions))[1])

    def bleu_counts(self, captions: Captions) -> NDArray[np.int64]:
        """Return what BLEU is made of, photo by photo.

        Returns:
            Shape (P, 10): words said, words of the reference of the closest length, n-grams said for n = 1 to 4, and
            those of them that a reference has.
        """
        references, candidates = self._tokenized(captions)
        scorer = BleuScorer(n=4)
        for photo, (candidate,) in candidates.items():
            scorer += (candidate, references[photo])
        return np.array([_counts(photo) for photo in scorer.ctest], np.int64)

    def all(self, captions: Captions) -> dict[str, float]:
        """Return BLEU-1..4, METEOR, ROUGE-L (0-1) and CIDEr."""
        return self.all_of([captions])[0]

    def all_of(self, runs: Sequence[Captions]) -> list[dict[str, float]]:
        """Score several runs as `all` does one; METEOR takes many seconds to start, and starts once."""
        self.learn(runs)
        with _meteor() if self._english else contextlib.nullcontext() as meteor:
            return [_scores(*self._tokenized(captions), meteor) for captions in runs]

    def _tokenized(self, captions: Captions) -> tuple[Tokenized, Tokenized]:
        """Return references and candidates."""
        self.learn([captions])
        references = {at: [self._tokenizer(text) for text in written] for at, written in enumerate(self._written)}
        return references, {at: [self._tokenizer(text)] for at, text in enumerate(captions)}


class DevScorer:
    """Scores what is said of a dev set in parts: a part for each source of photos in each language."""

    def __init__(self, photos: Sequence[CaptionedPhoto]) -> None:
        """Take the photos, with each language's sentences.

        Raises:
            ConfigError: Java is missing.
        """
        self._parts = {
            name: (language, indices, Scorer([photos[index].captions for index in indices], language))
            for name, (language, indices) in parts_of(photos).items()
        }

    def cider(self, said: Sequence[Sequence[str]]) -> dict[str, float]:
        """Return each part's CIDEr of what was said, as words, of each photo.

        A part's words are weighed by how many of its own photos' references have them.
        """
        return {
            name: scorer.cider([LANGUAGES[language].joiner.join(said[index]) for index in indices])
            for name, (language, indices, scorer) in self._parts.items()
        }


def parts_of(photos: Sequence[CaptionedPhoto]) -> dict[str, tuple[str, list[int]]]:
    """Return the parts of a set: name -> language and places of its photos.

    A part is called by its language where that has one source alone, else by its source.
    """
    places: dict[tuple[str, str], list[int]] = {}
    for place, photo in enumerate(photos):
        places.setdefault((photo.language, photo.origin), []).append(place)
    sources = Counter(language for language, _ in places)
    return {
        name if sources[language] > 1 else language: (language, indices) for (language, name), indices in places.items()
    }


class Splitter:
    """Sentence -> words with blanks between, as `ptb.Tokenizer`, for a language that it does not know."""

    def __init__(self, language: Language, characters: bool) -> None:
        self._split, self._characters = language.split, characters

    def learn(self, sentences: Iterable[str]) -> None:
        """Nothing has to be prepared."""

    def __call__(self, sentence: str) -> str:
        """Return the words of a sentence."""
        words = self._split(sentence)
        return " ".join("".join(words) if self._characters else words)


def _scores(references: Tokenized, candidates: Tokenized, meteor: Meteor | None) -> dict[str, float]:
    scorers = {"meteor": meteor} if meteor else {}
    scorers |= {"rouge_l": Rouge(), "cider": Cider()}
    with contextlib.redirect_stdout(io.StringIO()):  # Bleu prints its own progress
        bleu = Bleu(4).compute_score(references, candidates)[0]
        others = {name: score.compute_score(references, candidates)[0] for name, score in scorers.items()}
    bleus = {f"bleu_{n}": value for n, value in enumerate(bleu, 1)}
    return {name: float(value) for name, value in (bleus | others).items()}


def _counts(photo: dict) -> list[int]:
    said = photo["testlen"]
    closest = min(photo["reflen"], key=lambda length: (abs(length - said), length))
    return [said, closest, *photo["guess"], *photo["correct"]]


@contextlib.contextmanager
def _meteor() -> Iterator[Meteor]:
    meteor = Meteor()
    try:
        yield meteor
    except BaseException:  # Ctrl-C, too: a score that is not finished holds the lock, for which `__del__` would wait
        meteor.meteor_p.kill()
        if meteor.lock.locked():
            meteor.lock.release()
        raise
    finally:
        meteor.meteor_p.communicate()  # it leaves its Java process and pipes open
