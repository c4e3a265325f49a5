from __future__ import annotations

from codecs import BOM_UTF8
from pathlib import Path

import pytest

from edge_caption.errors import BundleError
from edge_caption.model.vocabulary import END, SPECIAL, UNKNOWN, Vocabulary


def test_words_become_tokens_and_back() -> None:
    vocabulary = Vocabulary([*SPECIAL, "a", "dog"])
    assert vocabulary.encode(["a", "dog", "unicorn"]) == [4, 5, UNKNOWN]
    assert vocabulary.decode([4, 5, END, 4]) == ["a", "dog"]


def test_it_survives_the_disk(tmp_path: Path) -> None:
    vocabulary = Vocabulary([*SPECIAL, "狗", "dog's"])
    file = tmp_path / "vocabulary.json"
    vocabulary.save(file)
    assert Vocabulary.load(file).words == vocabulary.words
    file.write_bytes(BOM_UTF8 + file.read_bytes())
    assert Vocabulary.load(file).words == vocabulary.words


@pytest.mark.parametrize("content", ["", "{}", '["a", "b"]', "[1, 2]"])
def test_what_is_no_vocabulary_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "vocabulary.json").write_text(content)
    with pytest.raises(BundleError):
        Vocabulary.load(tmp_path / "vocabulary.json")
