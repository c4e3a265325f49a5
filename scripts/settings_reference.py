"""docs/settings.md from the code: each settings struct's fields, with their types, defaults and docstrings."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from edge_caption.bounds import MOST
from edge_caption.node.settings import Settings

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"

HEAD = """\
# Settings

Everything that the TOML file of `edge-caption run --config FILE` may hold. This page is made from the code by
`scripts/settings-reference`; [run.md](run.md) has an example.
"""

NAMES = {
    "str": "text", "int": "whole number", "float": "number", "bool": "true or false", "Path": "path",
    "Source": "source", "Address": "address", "ListenAddress": "address", "Clock": "time",
}  # fmt: skip

BOUNDS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}

UNTOLD = {"node": "the computer's name", "state_dir": "`~/.local/state/edge-caption`"}
"""Defaults that are found out when the program runs."""

TITLES = {
    "": "At the top",
    "[cameras]": "`[camera]`, or several `[[cameras]]`",
    "gate": "`[gate]` for all cameras, `[camera.gate]` for one",
}


def main() -> None:
    """Write the page, or check it."""
    text = HEAD + "".join(_section(title, kind) for title, kind in _structs("", Settings))
    if "--check" not in sys.argv:
        PAGE.write_text(text, "utf-8")
    elif PAGE.read_text("utf-8") != text:
        sys.exit(f"{PAGE}: not what the code says; run scripts/settings-reference")


def _structs(title: str, kind: type[msgspec.Struct]) -> Iterator[tuple[str, type[msgspec.Struct]]]:
    """Yield each section's title and struct, those within behind their own."""
    yield title, kind
    for name, hint in get_type_hints(kind).items():
        inner = _struct_in(hint)
        if inner is None:
            continue
        if title and name == "gate":  # it stands at the top, too
            continue
        several = get_origin(hint) is tuple
        within = f"{title}.{name}".strip(".")
        yield from _structs(f"[{within}]" if several else within, inner)


def _struct_in(hint: Any) -> type[msgspec.Struct] | None:
    for kind in (hint, *get_args(hint)):
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return kind if kind.__name__.endswith("Settings") else None
    return None


def _section(title: str, kind: type[msgspec.Struct]) -> str:
    docs = dict(_docstrings(kind))
    rows = [
        f"| `{field.name}` | {_type(hint)} | {_default(field)} | {docs.get(field.name, '')} |\n"
        for field, hint in zip(msgspec.structs.fields(kind), _hints(kind), strict=True)
        if _struct_in(hint) is None
    ]
    if not rows:
        return ""
    head = "| setting | is | default | means |\n|---|---|---|---|\n"
    return f"\n## {TITLES.get(title, f'`[{title}]`')}\n\n{head}{''.join(rows)}"


def _hints(kind: type[msgspec.Struct]) -> list[Any]:
    hints = get_type_hints(kind, include_extras=True)
    return [hints[name] for name in kind.__struct_fields__]


def _docstrings(kind: type[msgspec.Struct]) -> Iterator[tuple[str, str]]:
    """Yield each field's name and the string below it, those of the classes that it is made of, too."""
    for each in kind.__mro__[::-1]:
        if not (isinstance(each, type) and issubclass(each, msgspec.Struct)) or each is msgspec.Struct:
            continue
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(each))).body
        assert isinstance(tree, ast.ClassDef)
        for field, text in zip(tree.body, tree.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
                assert isinstance(field.target, ast.Name)
                yield field.target.id, " ".join(str(text.value.value).split()).replace("|", "\\|")


def _type(hint: Any) -> str:
    """Return a type in words, with its bounds."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        meta = inner[1]
        limits = [
            f"{word} {value:g}"
            for name, word in BOUNDS.items()
            if (value := getattr(meta, name, None)) not in (None, MOST)
        ]
        return ", ".join([_type(inner[0]), *limits])
    if origin is Literal:
        return " or ".join(f'`"{choice}"`' for choice in inner)
    if origin in (Union, UnionType):
        return " or ".join(_type(each) for each in inner if each is not type(None))
    if origin in (tuple, list):
        return f"list of {_type(inner[0])}"
    return NAMES.get(getattr(hint, "__name__", str(hint)), getattr(hint, "__name__", str(hint)))


def _default(field: msgspec.structs.FieldInfo) -> str:
    if UNTOLD.get(field.name):
        return str(UNTOLD[field.name])
    if field.default is msgspec.NODEFAULT:
        return "must be given" if field.default_factory is msgspec.NODEFAULT else ""
    if field.default is None:
        return ""
    if isinstance(field.default, bool | int | float | str):
        return f"`{msgspec.json.encode(field.default).decode()}`"
    return "" if field.default in ((), []) else f"`{field.default}`"


if __name__ == "__main__":
    main()
