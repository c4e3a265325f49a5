from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import pytest

from edge_caption.text import COMMANDS, decode_json, decode_text, decode_toml, escape, printable, read_text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_utf8_is_read_with_and_without_a_mark(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "file").write_bytes("女孩\r\ncafé\rend\n".encode(encoding))
    assert read_text(tmp_path / "file") == "女孩\ncafé\nend\n"


@pytest.mark.parametrize(
    ("encoding", "says"),
    [
        ("utf-16", "^is UTF-16 text; save it as UTF-8$"),
        ("utf-32", "^is UTF-16 text; save it as UTF-8$"),
        ("utf-16-le", "^holds zero bytes, as UTF-16 without a mark does; save it as UTF-8$"),
        ("utf-16-be", "^holds zero bytes"),
        ("latin-1", r"^is not UTF-8 text \(byte 3\); save it as UTF-8$"),
    ],
)
def test_another_encoding_is_named_with_the_fix(encoding: str, says: str) -> None:
    with pytest.raises(UnicodeError, match=says):
        decode_text("café".encode(encoding))


@pytest.mark.parametrize("text", ["a dog on a mat", "女孩 😀 café", "C:\\photos\\u0041", "مرحبا", "'\"\\"])
def test_what_people_read_stays(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2Jgone", r"\u001b[2Jgone"),
        ("a\nb\tc\rd", r"a\u000ab\u0009c\u000dd"),
        ("\x7f\x9b31m", r"\u007f\u009b31m"),
        ("photo\u202egpj.exe", r"photo\u202egpj.exe"),
        ("\u2066\u2069\u2028\u2029", r"\u2066\u2069\u2028\u2029"),
        (os.fsdecode(b"caf\xe9"), r"caf\udce9"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_json_stays_the_same_json() -> None:
    record = {"file": "".join(map(chr, range(0x300))) + "\u202e\u2028😀"}
    text = printable(msgspec.json.encode(record).decode())
    assert json.loads(text) == record
    assert not COMMANDS.search(text)


def test_escapes_are_those_of_json() -> None:
    assert json.loads(f'"{escape("é女😀")}"') == "é女😀"


def test_thousands_of_brackets_are_an_error_like_any_other() -> None:
    deep = "[" * 100_000 + "]" * 100_000
    with pytest.raises(msgspec.DecodeError, match="nested too deeply"):
        decode_json(f'{{"a": {deep}}}', dict[str, object])
    with pytest.raises(msgspec.DecodeError, match="nested too deeply"):
        decode_toml(f"a = {deep}", dict[str, object])
