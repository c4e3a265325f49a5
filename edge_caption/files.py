"""Files that appear whole or not at all, and the folders that this program keeps its own in."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import itertools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from edge_caption.errors import ConfigError

AT_FDCWD, RENAME_EXCHANGE = -100, 2
"""Linux's fcntl.h and fs.h: paths are relative to the working directory, and two names swap what they name."""

PIECE_BYTES = 256 * 1024


@contextlib.contextmanager
def writing(target: Path) -> Iterator[Path]:
    """Give a path that becomes `target`, a file or a folder, when the block ends well, and vanishes otherwise.

    What is written there is on the disk before it takes the target's place, so that a power cut leaves the old or the
    new. Several processes may write one target at once: the last one stays. Where the target is a link, what it points
    to is replaced.

    Raises:
        OSError: the disk refuses; the target is as it was.
    """
    place = target.resolve()
    with tempfile.TemporaryDirectory(prefix=".edge-caption-", dir=place.parent, ignore_cleanup_errors=True) as scratch:
        fresh = Path(scratch) / place.name
        yield fresh
        for path in (*fresh.rglob("*"), fresh):
            sync(path)
        _move(fresh, place, Path(scratch))
    with contextlib.suppress(OSError):  # some network shares can't sync a folder
        sync(place.parent)


def _move(fresh: Path, place: Path, scratch: Path) -> None:
    """Rename a file over what is there; a folder is swapped with what is there."""
    for number in itertools.count():
        try:
            fresh.rename(place)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        if _swap(fresh, place):
            return
        # A file system that can't swap. Killed between this rename and the next, a program leaves nothing in the place.
        with contextlib.suppress(FileNotFoundError):  # another process moved it first
            place.rename(scratch / f".old-{number}")


def _swap(one: Path, other: Path) -> bool:
    """Swap two folders in one step, so that a killed program leaves either; return whether that was possible."""
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)  # Linux, with a C library of 2018 or later
    names = (AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other))
    return renameat2 is not None and renameat2(*names, RENAME_EXCHANGE) == 0


def write_whole(target: Path, data: bytes) -> None:
    """Write a file, and the folders above it where they are missing.

    Raises:
        OSError: the disk refuses; the target is as it was.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with writing(target) as fresh:
        fresh.write_bytes(data)


def pieces(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes piece by piece: all of them may be more than the memory that is free.

    Raises:
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal digits.

    Raises:
        OSError: it can't be read.
    """
    digest = hashlib.sha256()
    for piece in pieces(path):
        digest.update(piece)
    return digest.hexdigest()


def sync(path: Path) -> None:
    """Wait until a file's bytes, or a folder's names, are on the disk.

    Raises:
        OSError: the disk refuses.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def own_folder(variable: str, default: str, option: str | None = None) -> Path:
    """Return this program's folder below the one that a variable names, or below `default` in the home folder.

    The variables are those of the XDG base directory specification.

    Args:
        variable: of the specification.
        default: relative to the home folder.
        option: another way for the user to name a folder.

    Raises:
        ConfigError: the variable names none, and the user has no home folder.
    """
    base = Path(os.environ.get(variable, ""))
    # The specification: a relative path is invalid and must be ignored.
    if base.is_absolute():
        return base / "edge-caption"
    try:
        return Path.home() / default / "edge-caption"
    except RuntimeError:
        instead = f"set {variable}" + (f" or give {option}" if option else "")
        raise ConfigError(f"this user has no home folder to keep files in; {instead}") from None
