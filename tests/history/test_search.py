from __future__ import annotations

from pathlib import Path

import pytest

from edge_caption.errors import ConfigError, HistoryError
from edge_caption.history.search import Query, search
from edge_caption.history.settings import HistorySettings
from edge_caption.history.store import History
from tests.history.captions import keep, record

SENTENCES = (
    "two dogs run on the beach",
    "a man is riding a bike",
    "a dog catches a red ball",
    "一只狗在海滩上奔跑",
    "一个骑自行车的人",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "history.db"
    keep(path, SENTENCES)
    return path


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ("dog", [3, 1]),
        ("Dog on the beach", [1]),
        ("running dogs", [1]),
        ("beach dog!", [1]),
        ('"riding a bike"', [2]),
        ('"bike riding"', []),
        ('a "red ball', [3]),
        ("dog bike", []),
        ("the", [1]),
        ("海滩", [4]),
        ("狗在海滩", [4]),
        ("海滩的狗", [4]),
        ("自行车", [5]),
        ("滩海", []),
        ("狗 beach", []),
        ('NEAR("dog") OR caption:*', []),
    ],
)
def test_all_words_must_occur_in_any_form_and_order(path: Path, words: str, numbers: list[int]) -> None:
    assert [entry.id for entry in search([path], Query(words))] == [f"pi:{number}" for number in numbers]


@pytest.mark.parametrize("words", ["dog\0", 'dog "a\0', "\udcff dog", '"\0dog'])
def test_what_is_no_text_is_passed_over(path: Path, words: str) -> None:
    assert [entry.id for entry in search([path], Query(words))] == (
        ["pi:3", "pi:1"] if words != 'dog "a\0' else ["pi:3"]
    )
    assert search([path], Query("dog", camera="\udcff\0")) == []


@pytest.mark.parametrize("camera", ["-", "🐶", '"', "门口", "Двор", "a b", "*", "\N{ADLAM SMALL LETTER ALIF}"])
def test_a_camera_may_have_any_name(tmp_path: Path, camera: str) -> None:
    keep(tmp_path / "history.db", SENTENCES, camera=camera)
    assert [entry.id for entry in search([tmp_path / "history.db"], Query("dog", camera=camera))] == ["pi:3", "pi:1"]


@pytest.mark.parametrize("words", ["!?", '""', '"…" -'])
def test_a_question_without_words_is_refused(path: Path, words: str) -> None:
    with pytest.raises(ConfigError, match="there is no word to search for"):
        search([path], Query(words))


def test_a_time_and_a_camera_narrow_the_search(path: Path) -> None:
    keep(path, ["a dog in the yard"], camera="yard-2", first=6)

    def ids(query: Query) -> list[str]:
        return [entry.id for entry in search([path], query)]

    assert ids(Query("dog")) == ["pi:6", "pi:3", "pi:1"]
    assert ids(Query("dog", camera="porch")) == ["pi:3", "pi:1"]
    assert ids(Query("dog", camera="yard-2")) == ["pi:6"]
    assert ids(Query("dog", camera="yard")) == []
    assert ids(Query("dog", since=2.0)) == ["pi:6", "pi:3"]
    assert ids(Query("dog", since=2.0, until=3.0)) == ["pi:3"]
    assert ids(Query(since=3.0, until=5.0, limit=2)) == ["pi:5", "pi:4"]
    assert ids(Query(since=7.0)) == []


def test_nodes_are_searched_together_newest_first(tmp_path: Path, path: Path) -> None:
    other = tmp_path / "other.db"
    keep(other, ["a dog sleeps"], first=2)
    assert [entry.captured_at for entry in search([path, other], Query("dog"))] == [3.0, 2.0, 1.0]


@pytest.mark.parametrize("content", [b"this is no database, and long enough to be seen as such" * 100, b""])
def test_a_broken_file_is_one_sentence_and_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "history.db"
    path.write_bytes(content)
    with pytest.raises(HistoryError, match="is damaged"):
        search([path], Query("dog"))
    assert path.read_bytes() == content


def test_a_clock_that_was_set_back_hides_nothing_and_adds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    history = History(path, HistorySettings(keep=True, max_days=1e6, min_free_bytes=0))
    for number, at in enumerate((10.0, 5.0, 12.0, 7.0), 1):
        history.take(record(number, "a dog", captured_at=at), None)
    history.close()
    for words in ("dog", None):
        found = search([path], Query(words, since=6.0, until=11.0))
        assert {entry.captured_at for entry in found} == {10.0, 7.0}
