from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.tables import markers, rewrite
from benchmarks.tables.markers import TableError, rewritten
from benchmarks.tables.rows import TABLES

LATENCY = {
    "bundles": {
        "accurate": {
            "median_ms": {"cpu-x86": 10.38, "pytorch eager": 40.0},
            "times_faster_than": {"pytorch eager": {"median": 3.9, "quartile_1": 3.8, "quartile_3": 4.0}},
        },
        "fast": {"median_ms": {"cpu-x86": 4.1}, "times_faster_than": {}},
    },
    "faster_than_the_first": {"fast": {"median": 2.5, "quartile_1": 2.4, "quartile_3": 2.6}},
    "bytes": 6_601_765,
    "quartiles": [1.0, 2.5],
}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    (tmp_path / "latency.json").write_text(json.dumps(LATENCY))
    return tmp_path


def page(folder: Path, text: str) -> Path:
    (folder / "page.md").write_text(text)
    return folder / "page.md"


def test_values_and_tables_are_put_between_their_markers(results: Path) -> None:
    text = (
        "It takes <!-- value latency bundles/accurate/median_ms/pytorch eager .1f -->99<!-- end --> ms and "
        "<!-- value latency bytes .1fM --><!-- end --> MB, <!-- value latency quartiles/1 g -->?<!-- end -->.\n\n"
        "<!-- table latency -->\nold\n<!-- end -->\n"
    )
    lines = rewritten(page(results, text), results).splitlines()
    assert lines[0] == (
        "It takes <!-- value latency bundles/accurate/median_ms/pytorch eager .1f -->40.0<!-- end --> ms and "
        "<!-- value latency bytes .1fM -->6.6<!-- end --> MB, <!-- value latency quartiles/1 g -->2.5<!-- end -->."
    )
    assert lines[2:] == [
        "<!-- table latency -->",
        "| bundle | | median ms | its INT8 is faster by (median of the rounds, quartiles) | beside accurate |",
        "|---|---|---|---|---|",
        "| accurate | cpu-x86 | 10.380 | | |",
        "| accurate | pytorch eager | 40.000 | 3.90x (3.80-4.00) | |",
        "| fast | cpu-x86 | 4.100 | | 2.50x (2.40-2.60) |",
        "<!-- end -->",
    ]


@pytest.mark.parametrize(
    "marker", ["value latency nothing .1f", "value nothing median_ms .1f", "table nothing", "value latency bytes s"]
)
def test_what_no_result_holds_is_named(results: Path, marker: str) -> None:
    with pytest.raises(TableError, match=f"page.md asks for the {marker.split()[0]} {marker.split(maxsplit=1)[1]}"):
        rewritten(page(results, f"<!-- {marker} --><!-- end -->"), results)


def test_a_marker_that_nobody_closes_is_an_error(results: Path) -> None:
    with pytest.raises(TableError, match="without its <!-- end -->"):
        rewritten(page(results, "<!-- table latency -->"), results)


def test_a_stale_page_is_found_and_rewritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = page(tmp_path, "<!-- value size wheel d -->1<!-- end -->")
    monkeypatch.setattr(rewrite, "pages", lambda: [stale])
    monkeypatch.setattr(rewrite, "ROOT", tmp_path)
    with pytest.raises(TableError, match=r"page\.md: not what benchmarks/results/ says"):
        rewrite.rewrite(check=True)
    assert stale.read_text().endswith(">1<!-- end -->")
    assert rewrite.rewrite(check=False) == [stale]
    assert rewrite.rewrite(check=True) == []


def test_every_table_is_shown_on_some_page() -> None:
    text = "".join(file.read_text("utf-8") for file in markers.pages())
    assert [name for name in TABLES if f"<!-- table {name} -->" not in text] == []
