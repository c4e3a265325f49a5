"""The PTB tokenizer of the coco-caption scores: Stanford's, in Java, with its punctuation left out."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from pycocoevalcap.tokenizer import ptbtokenizer

from edge_caption.errors import ConfigError

JAVA = ("java", "-cp", ptbtokenizer.STANFORD_CORENLP_3_4_1_JAR, "edu.stanford.nlp.process.PTBTokenizer")


class Tokenizer:
    """Sentence -> words with blanks between.

    Java starts once for all sentences that are new, for a start takes a second. pycocoevalcap's own class starts it for
    each set, lets it print its speed, and writes into site-packages.
    """

    def __init__(self) -> None:
        """Find Java.

        Raises:
            ConfigError: it is missing.
        """
        if shutil.which(JAVA[0]) is None:
            raise ConfigError("scoring needs Java; install it (Debian: apt-get install default-jre-headless)")
        self._words = {"": ""}

    def learn(self, sentences: Iterable[str]) -> None:
        """Tokenize the sentences that are new, so that asking for them takes no time."""
        new = sorted({_one_line(sentence) for sentence in sentences} - self._words.keys())
        if new:
            self._words.update(zip(new, _run(new), strict=True))

    def __call__(self, sentence: str) -> str:
        """Return the words of a sentence that was learnt."""
        return self._words[_one_line(sentence)]


def _one_line(sentence: str) -> str:
    return " ".join(sentence.split())


def _run(lines: Sequence[str]) -> list[str]:
    done = subprocess.run(
        [*JAVA, "-preserveLines", "-lowerCase"],
        check=False,
        cwd=Path(ptbtokenizer.__file__).parent,
        input="\n".join(lines) + "\n",
        capture_output=True,
        encoding="utf-8",
    )
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise ConfigError(f"the tokenizer failed in Java ({reason[0]}); mend the Java that `java` starts")
    tokenized = done.stdout.split("\n")[:-1]
    return [" ".join(word for word in line.split() if word not in ptbtokenizer.PUNCTUATIONS) for line in tokenized]
