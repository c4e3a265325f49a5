"""What the encoder saw of many photos, kept on disk: a second question need not encode them again."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, TypeAlias
from urllib.parse import quote_from_bytes

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_caption.errors import ConfigError
from edge_caption.files import own_folder, sync, write_whole
from edge_caption.model.caption import ModelIdentity
from edge_caption.model.encoder import Floats, Seen
from edge_caption.text import decode_json

SUM_BYTES = 4

STEPS = 127
"""Of an 8-bit number's positive half."""


LAYOUT = "2"
"""Of a row; a cache of another layout is another one."""

State: TypeAlias = tuple[int, int]
"""What changes with a photo: its size in bytes and its time in nanoseconds."""


class _Known(msgspec.Struct, frozen=True):
    """A photo of the cache."""

    row: Annotated[int, msgspec.Meta(ge=0)]
    size: int
    modified_ns: int


class Cache:
    """One folder of photos as one model saw them: a file of rows, and a list of which photo has which row.

    Regions and keys are 8-bit numbers with a scale for each photo, a quarter of their size. One process at a time adds
    photos. Another may read meanwhile, and a program may be killed at any point: a row whose sum tells that it is of
    another photo, or half of one, counts as not there.
    """

    def __init__(self, folder: Path) -> None:
        """Open the cache in a folder, or begin one."""
        self._rows = folder / "rows"
        self._list = folder / "photos.json"
        self._known = self._read_list()
        self._free = self._free_rows()

    @contextlib.contextmanager
    def alone(self, wait: Callable[[], None]) -> Iterator[None]:
        """Keep other processes from adding photos meanwhile.

        Args:
            wait: is called where one does, before this waits for it.

        Raises:
            ConfigError: the disk refuses.
        """
        folder = self._rows.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / "lock").open("a") as lock:
                _hold(lock.fileno(), wait)
                self._known = self._read_list()
                self._free = self._free_rows()
                yield
        except BrokenPipeError:  # nobody reads what is printed
            raise
        except OSError as error:
            raise ConfigError(
                f"what is seen of the photos can't be kept in {folder} ({error.strerror});"
                " make room, or set XDG_CACHE_HOME to another folder"
            ) from None

    def knows(self, photo: Path) -> bool:
        """Tell whether a photo was seen as it is now."""
        known = self._known.get(_key(photo))
        return known is not None and (known.size, known.modified_ns) == state_of(photo)

    def put(self, photo: Path, state: State, seen: Seen) -> None:
        """Keep what was seen of a photo; `save` makes it last.

        Args:
            photo: of the folder.
            state: as it was before it was read.
            seen: what the encoder saw.
        """
        known = self._known.get(_key(photo))
        row = known.row if known else next(self._free)
        data = _pack(seen, _mark(photo, state))
        self._rows.parent.mkdir(parents=True, exist_ok=True)
        with self._rows.open("r+b" if self._rows.exists() else "w+b") as file:
            file.seek(row * len(data))
            file.write(data)
        self._known[_key(photo)] = _Known(row, *state)

    def forget_others(self, photos: set[Path]) -> None:
        """Give away the rows of photos that are there no more."""
        names = {_key(photo) for photo in photos}
        kept = {name: known for name, known in self._known.items() if name in names}
        if len(kept) < len(self._known):
            self._known = kept
            self._free = self._free_rows()
            self.save()  # before another photo takes a row that the list on the disk gives to one of these

    def forget(self, photo: Path) -> None:
        """Take a photo off the list, whose row has turned out not to be its own; `save` makes it last."""
        self._known.pop(_key(photo), None)

    def save(self) -> None:
        """Write the list of photos once what it lists is on the disk: a power cut might leave rows of others."""
        if self._rows.exists():
            sync(self._rows)
        write_whole(self._list, msgspec.json.encode(self._known))

    def seen(self, photo: Path, like: Seen) -> Seen | None:
        """Return what was seen of a photo; `like` is of any picture. None where it is not there or not whole."""
        known = self._known.get(_key(photo))
        if known is None:
            return None
        kind = _row_type(like)
        try:
            rows = np.fromfile(self._rows, kind, 1, offset=known.row * kind.itemsize)
        except (OSError, OverflowError):
            return None
        if not rows.size or rows[0]["sum"] != _sum(rows[0], _mark(photo, (known.size, known.modified_ns))):
            return None
        return _unpack(rows[0], like)

    def _free_rows(self) -> Iterator[int]:
        used = {known.row for known in self._known.values()}
        row = 0
        while True:
            if row not in used:
                yield row
            row += 1

    def _read_list(self) -> dict[str, _Known]:
        try:
            return decode_json(self._list.read_bytes(), dict[str, _Known])
        except (OSError, msgspec.DecodeError):
            return {}  # encoding again mends it


def cache_folder(model: ModelIdentity, photos: Path) -> Path:
    """Return where the cache of a model and a folder of photos is.

    Raises:
        ConfigError: the user has no home folder.
    """
    name = "\n".join((LAYOUT, model.sha256, model.flavour, model.backend, str(photos.resolve())))
    return own_folder("XDG_CACHE_HOME", ".cache") / "find" / hashlib.sha256(os.fsencode(name)).hexdigest()[:32]


def state_of(photo: Path) -> State:
    """Return what changes with a photo."""
    try:
        found = photo.stat()
    except OSError:
        return -1, 0
    return found.st_size, found.st_mtime_ns


def _hold(descriptor: int, wait: Callable[[], None]) -> None:
    """Wait until no other process has a file."""
    with contextlib.suppress(OSError):  # a file system without locks
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            wait()
            fcntl.flock(descriptor, fcntl.LOCK_EX)


def _key(photo: Path) -> str:
    """Return a photo's name in its folder as text; on disk it may be any bytes."""
    return quote_from_bytes(os.fsencode(photo.name))


def _mark(photo: Path, state: State) -> bytes:
    """Return what tells a photo from others, and from itself at another time."""
    return f"{_key(photo)} {state}".encode()


def _sum(row: np.void | NDArray[np.void], mark: bytes) -> int:
    """Return a row's sum, itself left out."""
    return zlib.crc32(mark, zlib.crc32(row.tobytes()[:-SUM_BYTES]))


def _row_type(seen: Seen) -> np.dtype[np.void]:
    return np.dtype(
        [
            ("regions", np.int8, seen.regions.shape),
            ("keys", np.int8, seen.keys.shape),
            ("state", np.float16, seen.state.shape),
            ("scales", np.float32, (2,)),
            ("sum", np.uint32),
        ]
    )


def _pack(seen: Seen, mark: bytes) -> bytes:
    row = np.zeros((), _row_type(seen))
    for place, name in enumerate(("regions", "keys")):
        values: Floats = getattr(seen, name)
        scale = max(float(np.abs(values).max()) / STEPS, 1e-12)
        row[name] = np.rint(values / scale)
        row["scales"][place] = scale
    row["state"] = seen.state
    row["sum"] = _sum(row, mark)
    return row.tobytes()


def _unpack(row: NDArray[np.void], like: Seen) -> Seen:
    scales = row["scales"]
    regions, keys = (row[name].astype(np.float32) * scales[place] for place, name in enumerate(("regions", "keys")))
    return Seen(regions, keys, row["state"].astype(like.state.dtype))
