"""Words <-> tokens. Training and the device share this file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from edge_caption.errors import BundleError
from edge_caption.text import decode_json, read_text

PAD, START, END, UNKNOWN = range(4)
SPECIAL = ("<pad>", "<start>", "<end>", "<unknown>")
"""Further special words may follow: `<zh>` begins a sentence in Chinese where START begins one in another language."""


class Vocabulary:
    """The words a captioner knows; a word's token is its position."""

    def __init__(self, words: Sequence[str]) -> None:
        """Take the words in token order, the special ones first."""
        if tuple(words[: len(SPECIAL)]) != SPECIAL:
            raise BundleError(f"the vocabulary must begin with {', '.join(SPECIAL)}")
        self.words = tuple(words)
        self.special = next((token for token, word in enumerate(words) if not word.startswith("<")), len(words))
        """How many special words there are; the first token of a word that is said."""
        self._tokens = {word: token for token, word in enumerate(words)}

    def __len__(self) -> int:
        return len(self.words)

    def start(self, language: str) -> int:
        """Return the token that a sentence in a language begins with."""
        return self._tokens.get(start_word(language), START)

    def encode(self, words: Iterable[str]) -> list[int]:
        """Return the token of each word, UNKNOWN for a word that is not here."""
        return [self._tokens.get(word, UNKNOWN) for word in words]

    def decode(self, tokens: Iterable[int]) -> list[str]:
        """Return the word of each token, up to END; special ones are left out."""
        words = []
        for token in tokens:
            if token == END:
                break
            if token >= self.special:
                words.append(self.words[token])
        return words

    def save(self, path: Path) -> None:
        """Write a JSON list of words."""
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self.words), indent=0) + b"\n")

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Read what `save` wrote.

        Raises:
            BundleError: the file is missing or not a list of words.
        """
        try:
            return cls(decode_json(read_text(path), list[str]))
        except (OSError, UnicodeError, msgspec.DecodeError) as error:
            raise BundleError(f"{path} is not a vocabulary ({error}); copy the bundle again") from error


def start_word(language: str) -> str:
    """Return the special word that begins a sentence in a language, if it is not the only one."""
    return f"<{language}>"
