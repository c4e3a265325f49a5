from __future__ import annotations

import json

from benchmarks.report import as_json


def test_a_list_of_numbers_takes_one_line_and_nothing_changes() -> None:
    figures = {"cider": [0.5, -1e-05, 3], "names": ["a, b", "[1, 2]"], "empty": [], "deep": {"low": [[1, 2], [3, 4]]}}
    text = as_json(figures)
    assert json.loads(text) == figures
    assert '"cider": [0.5, -1e-05, 3]' in text
    assert "    [1, 2],\n" in text
