"""Places in Markdown that hold figures, that readers don't see.

Two kinds:

<!-- table latency -->…<!-- end -->                           a table of `benchmarks.tables.rows`
<!-- table recorded/tensorrt -->…<!-- end -->                what a long command once printed: recorded/tensorrt.json
<!-- value latency median_ms/cpu-x86 .1f -->10.4<!-- end -->   one number of a result: file, path in it, format
<!-- value accurate/manifest sizes/side d -->288<!-- end -->    the same of a file of a bundle that ships

A format may end in `M` (millions of bytes -> MB) or `k`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.report import RESULTS
from benchmarks.tables.found import TABLES as FOUND
from benchmarks.tables.found import Cells, recorded
from benchmarks.tables.rows import TABLES
from edge_caption.errors import EdgeCaptionError
from edge_caption.model.bundle import BUNDLES

ROOT = Path(__file__).parent.parent.parent

MARKER = re.compile(r"(<!-- (table|value) ([^>]+?) -->)(.*?)(<!-- end -->)", re.DOTALL)

OPEN = re.compile(r"<!-- (?:table|value) ")

SCALES = {"M": 1e6, "k": 1e3}


class TableError(EdgeCaptionError):
    """A page asks for what no result holds; correct the page or run the benchmark."""


def pages() -> list[Path]:
    """Return the pages that may hold figures."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def rewritten(page: Path, results: Path = RESULTS) -> str:
    """Return a page with the figures that the results hold now.

    Raises:
        TableError: it asks for a table or a figure that is not there, or a marker is not closed.
    """
    text = page.read_text("utf-8")
    found = MARKER.findall(text)
    if len(found) != len(OPEN.findall(text)):
        raise TableError(f"{page} has a marker without its <!-- end -->; close it")

    def replace(match: re.Match[str]) -> str:
        begin, kind, asked, _, end = match.groups()
        try:
            filled = f"\n{_markdown(_table(asked, results))}\n" if kind == "table" else _value(asked, results)
        except (KeyError, IndexError, OSError, TypeError, ValueError) as error:
            raise TableError(
                f"{page} asks for the {kind} {asked}, which is not in {results} ({error!r}); correct it or measure anew"
            ) from error
        return f"{begin}{filled}{end}"

    return MARKER.sub(replace, text)


def _table(asked: str, results: Path) -> Cells:
    folder, _, name = asked.rpartition("/")
    return recorded(results, name) if folder == "recorded" else {**TABLES, **FOUND}[asked](results)


def _value(asked: str, results: Path) -> str:
    name, *path, form = asked.split(" ")
    folder, _, file = name.rpartition("/")
    value: Any = json.loads((BUNDLES.get(folder, results) / f"{file}.json").read_text("utf-8"))
    for part in " ".join(path).split("/"):
        value = value[int(part)] if isinstance(value, list) else value[part]
    scale = SCALES.get(form[-1], 0)
    return format(value / scale, form[:-1]) if scale else format(value, form)


def _markdown(rows: Cells) -> str:
    head, *others = rows
    return "\n".join([_line(head), f"|{'---|' * len(head)}", *map(_line, others)])


def _line(cells: Sequence[str]) -> str:
    return "".join(f"| {cell} " if cell else "| " for cell in cells) + "|"
