"""What has come of an update: bytes in order, on disk, so that they need not come again."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from edge_caption.errors import UpdateError
from edge_caption.files import sha256_of, sync, write_whole
from edge_caption.model.signed import NEW_UPDATE, Update, UpdateFile, id_of
from edge_caption.text import decode_json

ROOM_BYTES = 32 * 1024 * 1024
"""That an update leaves free on the disk: captions come first."""


TRIES = 3
"""Of a file that is not what the head says: somebody else may have sent some of its bytes."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for; on disk beside the bytes."""

    head: bytes
    """As it was signed."""
    url: str | None = None
    """Where the bytes are fetched; None: they come over MQTT."""
    install: bool = True
    """Whether to install it as soon as it is here."""


class Incoming:
    """One update that is on its way. For one thread."""

    def __init__(self, folder: Path, order: Order, update: Update) -> None:
        """Go on with what is on disk, or begin.

        Raises:
            OSError: the disk refuses.
        """
        self.order = order
        self.update = update
        self.id = id_of(order.head)
        self._folder = folder
        self.files.mkdir(parents=True, exist_ok=True)
        self.next = self._resume()
        """Bytes that are here."""
        self._from_before = self.next
        self._spoilt = 0

    @classmethod
    def begin(cls, folder: Path, order: Order, update: Update) -> Incoming:
        """Begin, in place of whatever was on its way.

        Raises:
            UpdateError: the disk has no room.
            OSError: the disk refuses.
        """
        discard(folder)
        folder.mkdir(parents=True, exist_ok=True)
        if (free := shutil.disk_usage(folder).free) < update.size + ROOM_BYTES:
            needed = (update.size + ROOM_BYTES) / 1e6
            raise UpdateError(f"the disk has {free / 1e6:.0f} MB free and the update needs {needed:.0f}; free some")
        write_whole(folder / "order.json", msgspec.json.encode(order))
        return cls(folder, order, update)

    @property
    def files(self) -> Path:
        """The folder that becomes the bundle's."""
        return self._folder / "files"

    @property
    def complete(self) -> bool:
        """Whether every byte is here and every file is what the head says."""
        return self.next == self.update.size

    def change(self, order: Order) -> None:
        """Take another order for the same update.

        Raises:
            OSError: the disk refuses.
        """
        if order != self.order:
            write_whole(self._folder / "order.json", msgspec.json.encode(order))
            self.order = order

    def append(self, data: bytes) -> None:
        """Take the bytes from `next` on.

        Raises:
            UpdateError: a file is not what the head says, or there are more bytes than it says.
            OSError: the disk refuses.
        """
        if self.next + len(data) > self.update.size:
            raise UpdateError(f"more came than the {self.update.size:,} bytes that the signed head names")
        while data and not self.complete:
            begins, file = self._current()
            part = data[: begins + file.size - self.next]
            with (self.files / file.name).open("ab") as target:
                target.write(part)
            self.next, data = self.next + len(part), data[len(part) :]
            if self.next == begins + file.size and not self._finish(begins, file):
                return

    def _current(self) -> tuple[int, UpdateFile]:
        """Return the file that the next byte belongs to, and where it begins."""
        begins = 0
        for file in self.update.files:
            if self.next < begins + file.size:
                return begins, file
            begins += file.size
        raise AssertionError("complete")

    def _finish(self, begins: int, file: UpdateFile) -> bool:
        """Check a file that is all here; return whether it is right, or is to come again."""
        path = self.files / file.name
        if _is(path, file):
            return True
        # Where its first part was written before the program ended, a power cut may have spoilt that.
        self._spoilt += begins >= self._from_before
        if self._spoilt >= TRIES:
            raise UpdateError(f"{file.name} is not the file that the signed head names; {NEW_UPDATE}")
        path.unlink()
        self.next, self._from_before = begins, 0
        return False

    def _resume(self) -> int:
        """Return how many bytes are here; a file that is damaged comes again, and all after it."""
        here = 0
        damaged = False
        for file in self.update.files:
            path = self.files / file.name
            if file.size == 0:
                path.touch()
            size = path.stat().st_size if path.exists() and not damaged else 0
            if size > file.size or (size == file.size and not _is(path, file)):
                size = 0
            if size == 0 and file.size:
                path.unlink(missing_ok=True)
            damaged = damaged or size < file.size
            here += size
        return here


def pending(folder: Path) -> Order | None:
    """Return the order that the program had when it ended, None where there was none or it is damaged."""
    try:
        return decode_json((folder / "order.json").read_bytes(), Order)
    except (OSError, msgspec.DecodeError, UnicodeError):
        return None


def discard(folder: Path) -> None:
    """Forget what has come, so that the disk has its room again."""
    shutil.rmtree(folder, ignore_errors=True)


def _is(path: Path, file: UpdateFile) -> bool:
    if sha256_of(path) != file.sha256:
        return False
    sync(path)
    return True
