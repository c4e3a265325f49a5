"""Finding captions of the past by their words. Reads only, beside a node that writes."""

from __future__ import annotations

import heapq
import itertools
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from edge_caption.history.tables import open_to_read, sentences
from edge_caption.history.words import fts_query

OUT_OF_ORDER = 10_000
"""Captions that may have come after one of a later time, as after a clock was set back."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A caption of the past."""

    number: int
    """Its place in the history's file; `thumbnail` finds its picture by that."""
    id: str
    camera: str
    captured_at: float
    """Seconds since the Unix epoch."""
    caption: str
    language: str
    confidence: float


@dataclass(frozen=True)
class Query:
    """What to look for."""

    words: str | None = None
    """None: any caption."""

    camera: str | None = None

    since: float | None = None
    """Seconds since the Unix epoch."""

    until: float | None = None

    limit: int = 20


def search(paths: Iterable[Path], query: Query) -> list[Entry]:
    """Return the newest captions that fit, newest first.

    Args:
        paths: the history of each node.
        query: what to look for.

    Raises:
        ConfigError: there is no word in the question.
        HistoryError: a file can't be read, or is broken.
    """
    query = replace(query, words=_plain(query.words), camera=_plain(query.camera))
    found = heapq.merge(*(_search(path, query) for path in paths), key=lambda entry: -entry.captured_at)
    return list(itertools.islice(found, query.limit))


def thumbnail(path: Path, number: int) -> bytes | None:
    """Return the small picture of a caption as JPEG, None where none was kept.

    Raises:
        HistoryError: the file can't be read, or is broken.
    """
    with sentences(path), closing(open_to_read(path)) as database:
        row = database.execute("SELECT jpeg FROM thumbnails WHERE number = ?", (number,)).fetchone()
    return row[0] if row else None


def _plain(text: str | None) -> str | None:
    """Return a text without what SQLite takes for no text, or for its end: bytes that are no UTF-8, and zero."""
    return text and text.encode("utf-8", "replace").decode().replace("\0", " ")


def _search(path: Path, query: Query) -> list[Entry]:
    with sentences(path), closing(open_to_read(path)) as database:
        conditions = dict(_conditions(database, query))
        where = " AND ".join(conditions) or "1"
        table = "words JOIN captions ON number = words.rowid" if query.words else "captions"
        order = "words.rowid" if query.words else "number"
        rows = database.execute(
            "SELECT number, captions.id, captions.camera, captured_at, captions.caption, language, confidence"
            f" FROM {table} WHERE {where} ORDER BY {order} DESC LIMIT ?",
            (*conditions.values(), query.limit),
        ).fetchall()
    return [Entry(**dict(zip(Entry.__struct_fields__, row, strict=True))) for row in rows]


def _conditions(database: sqlite3.Connection, query: Query) -> Iterator[tuple[str, object]]:
    """Yield conditions in SQL, each with its value."""
    if query.words:
        yield "words MATCH ?", fts_query(query.words, query.camera)
    if query.camera:
        yield "captions.camera = ?", query.camera
    number = "words.rowid" if query.words else "number"
    # The index of words is in the order of arrival: so it need not be read further back, nor from the end.
    if query.since is not None:
        first = f"SELECT number FROM captions WHERE captured_at >= ? ORDER BY captured_at LIMIT {OUT_OF_ORDER}"
        (number_then,) = database.execute(f"SELECT min(number) FROM ({first})", (query.since,)).fetchone()
        yield f"{number} >= ?", 1 << 62 if number_then is None else number_then
        yield "captured_at >= ?", query.since
    if query.until is not None:
        last = f"SELECT number FROM captions WHERE captured_at <= ? ORDER BY captured_at DESC LIMIT {OUT_OF_ORDER}"
        (number_then,) = database.execute(f"SELECT max(number) FROM ({last})", (query.until,)).fetchone()
        yield f"{number} <= ?", number_then or 0
        yield "captured_at <= ?", query.until
