from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import alerts, annotation, find, find_again, history, page
from edge_caption.node.alerts.wanted import Wanted
from tests.conftest import ROOT
from tests.model.retrieval.test_find import COLOURS, boxes
from training.data.captioned_photos import CaptionedPhoto

__all__ = ["boxes"]


def test_recall_counts_the_right_ones_rank_and_halves_ties() -> None:
    scores = np.array([[3.0, 0.0, 1.0], [1.0, 0.0, 2.0], [2.0, 0.0, 3.0]])
    assert find.recall(scores) == {"r@1": 0.6667, "r@5": 1.0, "r@10": 1.0, "median_rank": 1.0}
    assert find.recall(-scores)["median_rank"] == 3.0


def test_full_text_finds_other_forms_of_a_word_and_nothing_else() -> None:
    scores = find.full_text(["two dogs run", "a cat", "一只狗"], ["dog", "狗 running", "zebra"])
    assert np.isfinite(scores).tolist() == [[True, True, False], [False, False, False], [False, True, False]]


@pytest.mark.parametrize(("asked", "found"), [(list(COLOURS), 1.0), ([*list(COLOURS)[1:], *list(COLOURS)[:1]], 0.0)])
def test_find_is_measured(tiny_bundle: Path, boxes: Path, asked: list[str], found: float) -> None:
    """Each photo is asked for by its own colour, or by another's."""
    photos = [
        CaptionedPhoto(boxes / f"{of}.png", (f"a big {by} box",) * 5) for of, by in zip(COLOURS, asked, strict=True)
    ]
    figures = find.measure(tiny_bundle, None, photos)
    for way in ("likelihood", "full_text_on_captions"):
        assert (figures[way]["r@1"], figures[way]["r@5"]) == (found, 1.0)
    assert figures["chance"] == {"r@1": 0.3333, "r@5": 1.0, "r@10": 1.0}
    assert figures["cache_bytes_a_photo"] > 1000


def test_the_history_is_measured() -> None:
    figures = history.measure(captions=300, rounds=2)
    assert figures["captions"] == 300
    assert 0 < figures["slowest_ms"] < 1000


def test_alerts_are_scored_against_what_two_people_say() -> None:
    raised, truth = np.array([True, True, False, False]), np.array([True, False, True, False])
    assert alerts._scores(raised, truth) == {"precision": 0.5, "recall": 0.5, "f1": 0.5}
    assert alerts._scores(raised & False, truth) == {"precision": 0.0, "recall": 0.0, "f1": 0.0}
    witnessed = CaptionedPhoto(Path("x.jpg"), ("a boy", "a man", "a dog", "a tree", "snow"))
    assert alerts._true_of(Wanted("a person"), witnessed)
    assert not alerts._true_of(Wanted("a dog"), witnessed)


def test_the_page_is_measured(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("uvicorn", reason="the page is an extra")
    monkeypatch.setattr(page, "WARM_UP_S", 0.1)
    figures = page.measure(("--bundle", tiny_bundle), seconds=1, opens=1)
    assert 0 < figures["first_picture_s"]["median"] <= figures["first_picture_s"]["worst"] < 30
    assert isinstance(figures["page_unseen_cpu_percent"], float)


def test_further_questions_are_measured_apart_from_the_first(tiny_bundle: Path) -> None:
    found = find_again.measure(ROOT / "edge_caption" / "demo" / "photos", 30, tiny_bundle)
    assert (found["photos"], found["distinct_photos"]) == (30, 2)
    assert len(found["further_questions_s"]) == 4
    assert 0 < found["further_question_s"] < found["first_question_s"] * 3
    assert found["cache_mb"] > 0


def test_annotate_is_held_against_programs_that_know_nothing_of_each_other(demo_photos: list[Path]) -> None:
    found = annotation.measure(demo_photos[0].parent, 4, 1)
    assert found["photos"] == len(list(demo_photos[0].parent.glob("*.jpg")))
    assert found["share_of_apart"] == pytest.approx(found["annotate_per_s"] / found["apart_per_s"], rel=0.05)
    assert found["share_of_cores"] == pytest.approx(
        found["annotate_per_s"] / found["cores"] / found["one_thread_per_s"], rel=0.05
    )
