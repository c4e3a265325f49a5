"""What the encoder saw of many photos, kept on disk: a second question need not encode them again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_caption.files import own_folder, sync, write_whole
from edge_caption.model.caption import ModelIdentity
from edge_caption.model.encoder import Floats, Seen

STEPS = 127
"""Of an 8-bit number's positive half."""


class _Known(msgspec.Struct, frozen=True):
    """A photo of the cache."""

    row: int
    size: int
    modified_ns: int


class Cache:
    """One folder of photos as one model saw them: a file of rows, and a list of which photo has which row.

    Regions and keys are 8-bit numbers with a scale for each photo, a quarter of their size. For one process at a time;
    two that encode the same folder cost each other work, never a wrong answer: a row is read only if it is listed.
    """

    def __init__(self, folder: Path) -> None:
        """Open the cache in a folder, or begin one."""
        self._rows = folder / "rows"
        self._list = folder / "photos.json"
        self._known = self._read_list()
        self._free = self._free_rows()

    def knows(self, photo: Path) -> bool:
        """Tell whether a photo was seen as it is now."""
        known = self._known.get(str(photo))
        return known is not None and (known.size, known.modified_ns) == _state(photo)

    def put(self, photo: Path, seen: Seen) -> None:
        """Keep what was seen of a photo; `save` makes it last."""
        known = self._known.get(str(photo))
        row = known.row if known else next(self._free)
        data = _pack(seen)
        self._rows.parent.mkdir(parents=True, exist_ok=True)
        with self._rows.open("r+b" if self._rows.exists() else "w+b") as file:
            file.seek(row * len(data))
            file.write(data)
        self._known[str(photo)] = _Known(row, *_state(photo))

    def forget_others(self, photos: set[Path]) -> None:
        """Give away the rows of photos that are there no more."""
        names = {str(photo) for photo in photos}
        self._known = {name: known for name, known in self._known.items() if name in names}
        self._free = self._free_rows()

    def save(self) -> None:
        """Write the list of photos once what it lists is on the disk: a power cut might leave rows of others."""
        if self._rows.exists():
            sync(self._rows)
        write_whole(self._list, msgspec.json.encode(self._known))

    def seen(self, photo: Path, like: Seen) -> Seen:
        """Return what was seen of a photo that the cache knows; `like` is of any picture."""
        kind = _row_type(like)
        return _unpack(np.fromfile(self._rows, kind, 1, offset=self._known[str(photo)].row * kind.itemsize)[0], like)

    def _free_rows(self) -> Iterator[int]:
        used = {known.row for known in self._known.values()}
        row = 0
        while True:
            if row not in used:
                yield row
            row += 1

    def _read_list(self) -> dict[str, _Known]:
        try:
            return msgspec.json.decode(self._list.read_bytes(), type=dict[str, _Known])
        except (OSError, msgspec.DecodeError):
            return {}  # encoding again mends it


def cache_folder(model: ModelIdentity, photos: Path) -> Path:
    """Return where the cache of a model and a folder of photos is.

    Raises:
        ConfigError: the user has no home folder.
    """
    name = "\n".join((model.sha256, model.flavour, model.backend, str(photos.resolve())))
    return own_folder("XDG_CACHE_HOME", ".cache") / "find" / hashlib.sha256(os.fsencode(name)).hexdigest()[:32]


def _state(photo: Path) -> tuple[int, int]:
    """Return what changes with a photo: its size and its time."""
    try:
        found = photo.stat()
    except OSError:
        return -1, 0
    return found.st_size, found.st_mtime_ns


def _row_type(seen: Seen) -> np.dtype[np.void]:
    return np.dtype(
        [
            ("regions", np.int8, seen.regions.shape),
            ("keys", np.int8, seen.keys.shape),
            ("state", np.float16, seen.state.shape),
            ("scales", np.float32, (2,)),
        ]
    )


def _pack(seen: Seen) -> bytes:
    row = np.zeros((), _row_type(seen))
    for place, name in enumerate(("regions", "keys")):
        values: Floats = getattr(seen, name)
        scale = max(float(np.abs(values).max()) / STEPS, 1e-12)
        row[name] = np.rint(values / scale)
        row["scales"][place] = scale
    row["state"] = seen.state
    return row.tobytes()


def _unpack(row: NDArray[np.void], like: Seen) -> Seen:
    scales = row["scales"]
    regions, keys = (row[name].astype(np.float32) * scales[place] for place, name in enumerate(("regions", "keys")))
    return Seen(regions, keys, row["state"].astype(like.state.dtype))
