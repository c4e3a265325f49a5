"""Text that people and other programs wrote."""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import Path


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
