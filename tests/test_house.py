"""The rules of the house that no other tool watches (docs/architecture.md)."""

from __future__ import annotations

import ast
import statistics
from collections import defaultdict
from pathlib import Path

import pytest

from tests.conftest import ROOT

MOST_ROOMS = 21
LONGEST_FUNCTION = 48
MEDIAN_FUNCTION = 7

PACKAGES = ("edge_caption", "toolchain", "training", "calibration", "export", "benchmarks")


def imports_of(package: str) -> dict[str, set[str]]:
    """Return each module of a package with those of it that it imports, inside functions, too."""
    grimp = pytest.importorskip("grimp", reason="import-linter, which brings it, is not installed")
    graph = grimp.build_graph(package)
    return {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}


def reachable(module: str, imports: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(imports[module])
    while waiting:
        if (other := waiting.pop()) not in found:
            found.add(other)
            waiting.extend(imports.get(other, ()))
    return found


def circles(imports: dict[str, set[str]]) -> set[str]:
    """Return the modules that import themselves by way of others."""
    return {module for module in imports if module in reachable(module, imports)}


def test_a_circle_is_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == {"a", "b", "c"}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_file_imports_itself_by_way_of_others(package: str) -> None:
    assert not circles(imports_of(package))


def test_rooms_of_the_runtime_are_few_and_import_each_other_in_one_direction() -> None:
    rooms: dict[str, set[str]] = defaultdict(set)
    for module, others in imports_of("edge_caption").items():
        room = _room(module)
        rooms[room] |= {_room(other) for other in others} - {room, "edge_caption"}
    assert not circles(rooms)
    assert len(rooms.keys() - {"edge_caption"}) <= MOST_ROOMS


def _room(module: str) -> str:
    return ".".join(module.split(".")[:2])


@pytest.mark.parametrize("package", PACKAGES)
def test_functions_are_short(package: str) -> None:
    lengths = {
        f"{file.relative_to(ROOT)}: {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for file in Path(ROOT, package).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert [name for name, length in lengths.items() if length > LONGEST_FUNCTION] == []
    if package == "edge_caption":
        assert statistics.median(lengths.values()) <= MEDIAN_FUNCTION
