"""Words as the full-text index holds them, and a question as SQLite's FTS5 reads it.

FTS5 cuts text at spaces, and Chinese has none. Its trigram index can't find words of two characters, which most Chinese
words are. So each Chinese character is a word of its own here, and a word of several characters is a phrase of them.
That finds every part of a sentence, whatever the model took for words, and needs no list of words.
"""

from __future__ import annotations

import re
from unicodedata import ucd_3_2_0

from edge_caption.errors import ConfigError
from edge_caption.text import CHINESE, COMMON

COMMON_CHINESE = frozenset("的了着在上里有是和与一个只条位名")

TERM = re.compile(r'"([^"]*)"?|([^\s"]+)')

SHORT = 2
"""Chinese characters that must stand side by side; of a longer run each must occur, for it may be several words."""


def indexed(text: str) -> str:
    """Return a text with spaces around each Chinese character."""
    return re.sub(f"([{CHINESE}])", r" \1 ", text)


def fts_query(question: str, camera: str | None = None) -> str:
    """Return what FTS5 is to match: all the words, in any order; those in quotes side by side.

    Args:
        question: words as a person types them.
        camera: only what this one saw, as far as the index can tell: it may hold others, too.

    Raises:
        ConfigError: there is no word in the question.
    """
    terms = [term for found in TERM.finditer(question) for term in _terms(found[1], found[2])]
    if not terms:
        raise ConfigError("there is no word to search for; give one, as in: edge-caption search dog beach")
    telling = [term for term in terms if term not in COMMON and term not in COMMON_CHINESE] or terms
    words = " AND ".join(_phrase(indexed(term)) for term in dict.fromkeys(telling))
    within = f" AND camera : {_phrase(camera)}" if camera and _is_indexed(camera) else ""
    return f"caption : ({words}){within}"


def _terms(quoted: str | None, word: str | None) -> list[str]:
    """Return the phrases of one quotation or word."""
    if quoted is not None:
        return [quoted] if re.search(r"\w", quoted) else []
    terms = []
    for chinese, other in re.findall(f"([{CHINESE}]+)|([^{CHINESE}]+)", word or ""):
        if chinese:
            terms += [chinese] if len(chinese) <= SHORT else list(chinese)
        elif re.search(r"[^\W_]", other):
            terms.append(other.lower())
    return terms


def _is_indexed(camera: str) -> bool:
    """Whether FTS5 finds a word in a name: signs are none, and it knows no characters newer than Unicode 6.1."""
    return any(ucd_3_2_0.category(character)[0] in "LN" for character in camera)


def _phrase(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
