"""Messages on disk until the broker has acknowledged them.

A message's sequence is taken in the transaction that commits it, so sequences have no gaps and a killed process
loses nothing that it had committed. When the outbox is full the oldest message goes ("drop oldest"): the gap in
the sequences and a counter tell.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

import msgspec

from edge_caption.bounds import Count
from edge_caption.errors import OutboxError

T = TypeVar("T")

VERSION = 1
"""Of the tables; SQLite keeps it in the file as `user_version`."""

TABLES = """
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters VALUES ('sequence', 0), ('dropped', 0);
CREATE TABLE messages (
    sequence INTEGER PRIMARY KEY,
    topic TEXT NOT NULL,
    payload BLOB NOT NULL,
    rejected TEXT
);
"""

BUSY_S = 5.0
"""How long to wait for somebody who reads the file with another tool."""

LOG_PAGES = 32
"""Pages of the write-ahead log before SQLite moves them into the file; the log is never much longer."""

RESERVE_BYTES = 192 * 1024
"""Kept free beside the file, more than the log is long: on a full disk SQLite needs room even to delete."""


class OutboxSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[outbox]."""

    max_messages: Count = 100_000
    """Captions and events that wait for the broker; of more, the oldest go."""
    max_bytes: Count = 256 * 1024 * 1024
    """The same, in bytes."""


class _RefusedError(OutboxError):
    """By the disk."""

    def __init__(self, folder: Path, said: str) -> None:
        super().__init__(f"the disk refuses captions in {folder} ({said}); free some space")


@dataclass(frozen=True)
class Message:
    """What is to be published."""

    sequence: int

    topic: str

    payload: bytes


class Outbox:
    """A queue in a SQLite file that one process at a time may open; safe to use from several threads."""

    def __init__(self, path: Path, max_messages: int = 100_000, max_bytes: int = 256 * 1024 * 1024) -> None:
        """Open the file, or make it.

        Messages that the broker rejected are tried again from now on.

        Raises:
            OutboxError: another process has it open, the disk refuses, or the file is damaged or of another version.
        """
        self.path = path
        self.max_messages = max_messages
        self.max_bytes = max_bytes
        self._mutex = threading.Lock()
        self._order = threading.Lock()
        self._reserve = path.with_suffix(".reserve")
        with ExitStack() as unless_whole:
            self._lock = unless_whole.enter_context(_lock(path.with_suffix(".lock")))
            self._database = unless_whole.enter_context(closing(self._open()))
            self._keep_reserve()
            self._count, self._bytes = self._read_size()
            ((self._sequence,),) = self._select("SELECT value FROM counters WHERE name = 'sequence'")
            self.retry_rejected()
            unless_whole.pop_all()

    def close(self) -> None:
        """Close the file; what is in it stays for the next time."""
        with self._mutex:
            self._database.close()
            self._lock.close()

    def commit(self, topic: str, encode: Callable[[int], bytes]) -> Message:
        """Take the next sequence and store a message under it, on disk when this returns.

        Args:
            topic: where it is to be published.
            encode: makes the payload before the database is locked; gets the sequence.

        Raises:
            OutboxError: the disk refuses; no sequence was taken.
        """
        with self._order:
            message = Message(self._sequence + 1, topic, encode(self._sequence + 1))
            self._store(message)
            self._sequence = message.sequence
        return message

    def _store(self, message: Message) -> None:
        row = message.sequence, message.topic, message.payload
        with self._transaction(durable=True) as database:
            database.execute("UPDATE counters SET value = ? WHERE name = 'sequence'", (message.sequence,))
            database.execute("INSERT INTO messages VALUES (?, ?, ?, NULL)", row)
            self._count += 1
            self._bytes += len(message.payload)
            self._drop_oldest(database)

    def pending(self, after: int = 0, limit: int = -1) -> list[Message]:
        """Return messages to publish, oldest first, with sequences past `after`."""
        rows = self._select(
            "SELECT sequence, topic, payload FROM messages WHERE sequence > ? AND rejected IS NULL"
            " ORDER BY sequence LIMIT ?",
            after,
            limit,
        )
        return [Message(*row) for row in rows]

    def delete(self, sequences: Collection[int]) -> None:
        """Forget messages that the broker acknowledged.

        Raises:
            OutboxError: the disk refuses; they are still there.
        """

        def forget(database: sqlite3.Connection) -> None:
            for sequence in sequences:
                self._forget(database, sequence)

        self._tidy(forget)

    def reject(self, sequence: int, reason: str) -> None:
        """Park a message that the broker does not want, so that the ones behind it can go on."""
        self._tidy(
            lambda database: database.execute("UPDATE messages SET rejected = ? WHERE sequence = ?", (reason, sequence))
        )

    def retry_rejected(self) -> int:
        """Make parked messages pending again and return how many there were."""
        unpark = "UPDATE messages SET rejected = NULL WHERE rejected IS NOT NULL"
        return self._tidy(lambda database: database.execute(unpark).rowcount)

    @property
    def depth(self) -> int:
        """Messages here, parked ones included."""
        return self._count

    @property
    def rejected(self) -> int:
        """Messages parked because the broker rejected them."""
        return int(self._select("SELECT count(*) FROM messages WHERE rejected IS NOT NULL")[0][0])

    @property
    def dropped(self) -> int:
        """Messages dropped because the outbox was full, since it was made."""
        return int(self._select("SELECT value FROM counters WHERE name = 'dropped'")[0][0])

    def _open(self) -> sqlite3.Connection:
        with _sentences(self.path):
            # Autocommit: every transaction below begins and ends in plain sight.
            database = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
            try:
                self._prepare(database)
            except BaseException:
                database.close()
                raise
        return database

    def _prepare(self, database: sqlite3.Connection) -> None:
        ((version,),) = database.execute("PRAGMA user_version")
        if version not in (0, VERSION):
            raise OutboxError(
                f"{self.path} was made by another version of Edge Caption; choose another state directory"
            )
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
        if version == 0:
            database.executescript(f"BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;")
        ((counters,),) = database.execute("SELECT count(*) FROM counters")
        if counters != 2:
            raise sqlite3.DatabaseError("malformed: a counter is missing")

    def _read_size(self) -> tuple[int, int]:
        ((count, size),) = self._select("SELECT count(*), coalesce(sum(length(payload)), 0) FROM messages")
        return count, size

    def _select(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._mutex, _sentences(self.path):
            return self._database.execute(query, values).fetchall()

    def _drop_oldest(self, database: sqlite3.Connection) -> None:
        while self._count > 1 and (self._count > self.max_messages or self._bytes > self.max_bytes):
            ((oldest,),) = database.execute("SELECT min(sequence) FROM messages")
            self._forget(database, oldest)
            database.execute("UPDATE counters SET value = value + 1 WHERE name = 'dropped'")

    def _forget(self, database: sqlite3.Connection, sequence: int) -> None:
        rows = database.execute("SELECT length(payload) FROM messages WHERE sequence = ?", (sequence,)).fetchall()
        for (size,) in rows:
            database.execute("DELETE FROM messages WHERE sequence = ?", (sequence,))
            self._count -= 1
            self._bytes -= size

    def _tidy(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a transaction that leaves no more in the file than there was, even if the disk is full.

        What a power cut undoes of it costs one duplicate, which is cheaper than an fsync for each.
        """
        try:
            with self._transaction(durable=False) as database:
                return work(database)
        except _RefusedError:
            self._free_reserve()
            with self._transaction(durable=False) as database:
                done = work(database)
            self._keep_reserve()
            return done

    def _keep_reserve(self) -> None:
        """Take the reserve where the disk has it."""
        # A process that was killed in the midst leaves a short one.
        if not self._reserve.exists() or self._reserve.stat().st_size < RESERVE_BYTES:
            try:
                self._reserve.write_bytes(bytes(RESERVE_BYTES))
            except OSError:
                self._reserve.unlink(missing_ok=True)

    def _free_reserve(self) -> None:
        """Give the reserve away, so that the log can be moved into the file, and cut the log."""
        self._reserve.unlink(missing_ok=True)
        with self._mutex, _sentences(self.path):
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def _transaction(self, *, durable: bool) -> Iterator[sqlite3.Connection]:
        with self._mutex, _sentences(self.path):
            before = self._count, self._bytes
            # In WAL mode FULL syncs each commit (a power cut loses nothing), NORMAL only checkpoints.
            self._database.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                self._count, self._bytes = before
                # After some errors SQLite has rolled back by itself.
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise


def _lock(path: Path) -> IO[str]:
    """Return an open file whose lock ends with this process, however it ends."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+")
    except OSError as error:
        raise OutboxError(
            f"captions cannot be kept in {path.parent}: {error.strerror}; choose another --state-dir"
        ) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        with file:
            raise _not_locked(file, error) from None
    try:
        os.ftruncate(file.fileno(), 0)
        os.write(file.fileno(), str(os.getpid()).encode())
    except OSError as error:
        file.close()
        raise _RefusedError(path.parent, str(error.strerror)) from None
    return file


def _not_locked(file: IO[str], error: OSError) -> OutboxError:
    folder = Path(file.name).parent
    if isinstance(error, BlockingIOError):
        file.seek(0)
        holder = file.read(20).strip() or "unknown"
        return OutboxError(f"another edge-caption (process {holder}) uses {folder}; stop it, or choose another --node")
    return OutboxError(
        f"{folder} can't be locked ({error.strerror}), as on some network shares; "
        "choose a --state-dir on a disk of this computer"
    )


@contextmanager
def _sentences(path: Path) -> Iterator[None]:
    """Turn what SQLite says into something a user can act on."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        said = str(error)
        if "full" in said or "I/O" in said:
            raise _RefusedError(path.parent, said) from error
        if "malformed" in said or "not a database" in said:
            raise OutboxError(
                f"{path} is damaged ({said}); move it away and a new one is made, whose ids begin at 1 again: "
                "choose another --node if somebody drops ids that were seen before"
            ) from error
        raise OutboxError(f"captions cannot be kept in {path} ({said}); choose another --state-dir") from error
