"""The history's file: its tables, and what SQLite says when something is wrong with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from edge_caption.errors import HistoryError

VERSION = 1
"""Of the tables; SQLite keeps it in the file as `user_version`."""

TABLES = """
CREATE TABLE captions (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    camera TEXT NOT NULL,
    captured_at REAL NOT NULL,
    caption TEXT NOT NULL,
    language TEXT NOT NULL,
    confidence REAL NOT NULL
);
CREATE INDEX captions_at ON captions (captured_at);
CREATE TABLE thumbnails (number INTEGER PRIMARY KEY, jpeg BLOB NOT NULL);
CREATE VIRTUAL TABLE words USING fts5(caption, camera, content='', tokenize='porter unicode61');
"""
"""`number` is the order of arrival. The index keeps no text of its own: a caption is stored once."""

BUSY_S = 5.0
"""How long to wait for somebody who writes the file."""


class DamagedError(HistoryError):
    """The file is no history, or is broken."""


def history_path(state_dir: Path, node: str) -> Path:
    """Return where a node's history is, beside its outbox."""
    return state_dir / "nodes" / node / "history.db"


def open_to_write(path: Path) -> sqlite3.Connection:
    """Open the file, or make it.

    Raises:
        DamagedError: it is no history, or is broken.
        HistoryError: the disk refuses, or the file is of another version.
    """
    with sentences(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Autocommit: every transaction begins and ends in plain sight.
        database = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            _prepare(database, path)
        except BaseException:
            database.close()
            raise
    return database


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open a file that is there; a running node may go on writing it.

    Raises:
        HistoryError: it can't be read, is broken or of another version.
    """
    with sentences(path):
        try:
            return _open(path, "mode=ro")
        except sqlite3.OperationalError:
            # Even to read, SQLite makes files beside one that its writer has closed; this user may not.
            if not path.exists() or path.with_name(f"{path.name}-wal").exists():
                raise
            return _open(path, "immutable=1")


def _open(path: Path, how: str) -> sqlite3.Connection:
    database = sqlite3.connect(f"file:{quote(str(path))}?{how}", timeout=BUSY_S, uri=True)
    try:
        _check_version(database, path)
    except BaseException:
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    if _check_version(database, path) == 0:
        database.execute("PRAGMA auto_vacuum = INCREMENTAL")
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript(f"BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;")
    # A power cut may cost the last captions, which the outbox has, too; it never breaks the file.
    database.execute("PRAGMA synchronous = NORMAL")
    # What is forgotten is not to be found on the disk.
    database.execute("PRAGMA secure_delete = ON")
    database.execute("SELECT number FROM captions LIMIT 1")
    database.execute("SELECT rowid FROM words WHERE words MATCH 'a' LIMIT 1")


def _check_version(database: sqlite3.Connection, path: Path) -> int:
    ((version,),) = database.execute("PRAGMA user_version")
    if version not in (0, VERSION):
        raise HistoryError(f"{path} was made by another version of Edge Caption; move it away")
    return int(version)


@contextmanager
def sentences(path: Path) -> Iterator[None]:
    """Turn what SQLite and the disk say into something a user can act on."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        said = str(error)
        if any(sign in said for sign in ("malformed", "not a database", "no such table", "missing")):
            raise DamagedError(
                f"the history {path} is damaged ({said}); the next `edge-caption run` moves it aside and makes another"
            ) from error
        raise HistoryError(
            f"the history {path} can't be used ({said}); free some space, or look at the disk"
        ) from error
    except OSError as error:
        raise HistoryError(f"the history {path} can't be used ({error.strerror}); look at the disk") from error
