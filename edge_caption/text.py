"""Text that people and other programs wrote: read from files, and shown to people."""

from __future__ import annotations

import os
import re
import threading
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import Path
from typing import IO, TypeVar

import msgspec

COMMANDS = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a terminal obeys instead of showing: controls (ECMA-48), ends of lines, orders of writing (UAX 9), and what no
encoding has."""


WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
"""Letters and digits, joined by apostrophes and hyphens, as the coco-caption tokenizer keeps them."""

COMMON = frozenset(
    "a an and are at by for from his her in is it its of on or some that the their to while with".split()  # noqa: SIM905
)
"""English words that most sentences hold; a question is about the others."""


KEPT_BYTES = 16_384
"""Of what another program complains of."""

LAST_WORDS_S = 1.0
"""How long its end waits for the rest of that: a child that it left behind may keep the pipe open for ever."""


CHINESE = "\u3400-\u4dbf\u4e00-\u9fff"
"""Its characters, as the inside of a regular expression's brackets."""


class LastWords:
    """Reads what another program complains of, so that it never waits to be heard, and keeps the end."""

    def __init__(self, pipe: IO[bytes]) -> None:
        """Read on a thread, to the pipe's end; then it is closed."""
        self._pipe = pipe
        self._end = b""
        self._thread = threading.Thread(target=self._read, name="last words", daemon=True)
        self._thread.start()

    def lines(self) -> list[str]:
        """Return the last lines of a program that has ended."""
        self._thread.join(LAST_WORDS_S)
        return self._end.decode(errors="replace").strip().splitlines()

    def _read(self) -> None:
        with self._pipe as pipe:
            while piece := os.read(pipe.fileno(), KEPT_BYTES):
                self._end = (self._end + piece)[-KEPT_BYTES:]


def split_words(sentence: str) -> list[str]:
    """Return a sentence's words in lower case, where its language has spaces."""
    return WORD.findall(sentence.lower())


def read_text(file: Path) -> str:
    """Read a file's text, as `decode_text` does.

    Raises:
        OSError: it can't be read.
        UnicodeError: it is not UTF-8.
    """
    return decode_text(file.read_bytes())


def decode_text(data: bytes) -> str:
    r"""Decode UTF-8, without the mark (BOM) that Windows' editors begin it with, and with \n at each line's end.

    Raises:
        UnicodeError: it is something else; the message goes on behind the file's name and says what to do.
    """
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        raise UnicodeError("is UTF-16 text; save it as UTF-8")
    if b"\0" in data:
        raise UnicodeError("holds zero bytes, as UTF-16 without a mark does; save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnicodeError(f"is not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


Kind = TypeVar("Kind")

TOO_DEEP = "it is nested too deeply"


def decode_json(data: str | bytes, kind: type[Kind]) -> Kind:
    """Read JSON of a kind, as msgspec does; thousands of brackets in one another are an error like any other.

    Raises:
        msgspec.DecodeError: it is no JSON, or of another kind.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except RecursionError:
        raise msgspec.DecodeError(TOO_DEEP) from None


def decode_toml(text: str, kind: type[Kind]) -> Kind:
    """Read TOML of a kind, in the same way.

    Raises:
        msgspec.DecodeError: it is no TOML, or of another kind.
    """
    try:
        return msgspec.toml.decode(text, type=kind)
    except RecursionError:
        raise msgspec.DecodeError(TOO_DEEP) from None


def printable(text: str) -> str:
    r"""Escape what a terminal would obey, as `\u001b`.

    A file's name, a caption's word or a broker's reason could clear the screen otherwise, or write what looks like
    another line. JSON stays the same JSON.
    """
    return COMMANDS.sub(lambda found: escape(found[0]), text)


def escape(text: str) -> str:
    r"""Write each UTF-16 unit as JSON does: `\u4e00`."""
    units = text.encode("utf-16-be", "surrogatepass").hex()
    return "".join(rf"\u{units[at : at + 4]}" for at in range(0, len(units), 4))
