"""The coco-caption scores (PTB tokenizer, BLEU, METEOR, ROUGE-L, CIDEr), as published figures are computed.

The tokenizer and METEOR run in Java, as in the original.
"""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Mapping, Sequence

from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.meteor.meteor import Meteor
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

from edge_caption.errors import ConfigError

Tokenized = Mapping[int, list[str]]


class Scorer:
    """Scores captions against the references of the same photos."""

    def __init__(self, references: Sequence[Sequence[str]]) -> None:
        """Take each photo's sentences.

        Raises:
            ConfigError: Java is missing.
        """
        if shutil.which("java") is None:
            raise ConfigError("scoring needs Java; install it (Debian: apt-get install default-jre-headless)")
        self._references = tokenize(references)

    def cider(self, captions: Sequence[str]) -> float:
        """Return CIDEr (1 is a good human): Vedantam et al. 2015, its D variant."""
        return float(Cider().compute_score(self._references, tokenize([[text] for text in captions]))[0])

    def all(self, captions: Sequence[str]) -> dict[str, float]:
        """Return BLEU-1..4, METEOR, ROUGE-L (0-1) and CIDEr."""
        candidates = tokenize([[text] for text in captions])
        with contextlib.redirect_stdout(io.StringIO()):  # Bleu prints its own progress
            bleu = Bleu(4).compute_score(self._references, candidates)[0]
            meteor = _meteor(self._references, candidates)
            rouge = Rouge().compute_score(self._references, candidates)[0]
            cider = Cider().compute_score(self._references, candidates)[0]
        names = ("bleu_1", "bleu_2", "bleu_3", "bleu_4", "meteor", "rouge_l", "cider")
        return {name: float(value) for name, value in zip(names, (*bleu, meteor, rouge, cider), strict=True)}


def _meteor(references: Tokenized, candidates: Tokenized) -> float:
    meteor = Meteor()
    try:
        return float(meteor.compute_score(references, candidates)[0])
    finally:
        meteor.meteor_p.communicate()  # it leaves its Java process and pipes open


def tokenize(texts: Sequence[Sequence[str]]) -> Tokenized:
    """Run the PTB tokenizer over each photo's sentences."""
    records = {index: [{"caption": text} for text in group] for index, group in enumerate(texts)}
    return PTBTokenizer().tokenize(records)
