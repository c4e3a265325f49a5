from __future__ import annotations

from pathlib import Path

import pytest

from edge_caption.text import decode_text, read_text


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
