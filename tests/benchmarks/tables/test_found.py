from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.report import RESULTS
from benchmarks.tables import markers
from benchmarks.tables.found import TABLES, recorded
from benchmarks.tables.markers import rewritten
from edge_caption.model.bundle import BUNDLES


def test_every_table_and_every_record_is_shown_on_some_page() -> None:
    text = "".join(file.read_text("utf-8") for file in markers.pages())
    records = [f"recorded/{file.stem}" for file in (RESULTS / "recorded").glob("*.json")]
    assert records
    assert [name for name in [*TABLES, *records] if f"<!-- table {name} -->" not in text] == []


@pytest.mark.parametrize("file", sorted((RESULTS / "recorded").glob("*.json")), ids=lambda file: file.stem)
def test_a_record_says_which_command_printed_it_of_what_and_when(file: Path) -> None:
    figures = json.loads(file.read_text("utf-8"))
    assert figures["printed_by"]
    assert figures["of"]
    assert figures["on"].startswith("20")
    head, *rows = recorded(RESULTS, file.stem)
    assert rows
    assert {len(row) for row in rows} == {len(head)}


def test_a_figure_of_a_bundle_that_ships_follows_its_manifest(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- value accurate/manifest sizes/words d --><!-- end --> words")
    words = json.loads((BUNDLES["accurate"] / "manifest.json").read_text("utf-8"))["sizes"]["words"]
    assert rewritten(page, tmp_path) == f"<!-- value accurate/manifest sizes/words d -->{words}<!-- end --> words"


def test_levers_that_cost_most_come_first(tmp_path: Path) -> None:
    gained = {name: {"en": {"mean": mean, "standard_error": 0.001}} for name, mean in (("a", 0.02), ("b", -0.1))}
    cider = {"all levers": {"en": [0.4, 0.5]}, "a": {"en": [0.47]}, "b": {"en": [0.35]}}
    (tmp_path / "levers.json").write_text(json.dumps({"seeds": [1, 2], "cider": cider, "gained": gained}))
    assert TABLES["levers"](tmp_path)[1:] == [
        ["all levers", "0.450", "", "", ""],
        ["b", "0.350", "-0.100 ± 0.001", "", ""],
        ["a", "0.470", "0.020 ± 0.001", "", ""],
    ]
