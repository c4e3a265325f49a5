"""A folder of photos, a pattern that matches some, or one photo."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from edge_caption.cameras.photo_pattern import match_photos
from edge_caption.cameras.source import Source
from edge_caption.errors import CameraError, PhotoError
from edge_caption.images.frame import Frame
from edge_caption.images.photos import list_photos, read_photo

log = logging.getLogger(__name__)


class PhotoFolder:
    """Photos by name, one after the other; one that cannot be read is reported and left out."""

    def __init__(self, source: Source, *, loop: bool) -> None:
        """List them.

        Args:
            source: a folder, a pattern or a file.
            loop: start over after the last one.

        Raises:
            CameraError: there are none.
        """
        self._name = str(source)
        self._photos = _list(source.address)
        self._loop = loop
        self._next = 0
        self._readable = 0

    def read(self) -> Frame | None:
        """Return the next photo, or None after the last.

        Raises:
            CameraError: not one of them could be read.
        """
        while True:
            if self._next == len(self._photos):
                if not self._readable:
                    raise CameraError(
                        f"no photo of {self._name} can be read; give JPEG, PNG or WebP photos (patterns take no videos)"
                    )
                if not self._loop:
                    return None
                self._next = self._readable = 0
            photo = self._photos[self._next]
            self._next += 1
            try:
                pixels = read_photo(photo)
            except PhotoError as error:
                log.warning("%s", error)
                continue
            self._readable += 1
            return Frame(pixels, time.time())

    def close(self) -> None:
        """Nothing is open between two photos."""


def _list(address: str) -> list[Path]:
    path = Path(address).expanduser()
    try:
        if path.is_dir():
            return list_photos(path)
    except PhotoError as error:
        raise CameraError(str(error)) from error
    photos = [path] if path.is_file() else match_photos(path)
    if not photos:
        raise CameraError(f"there is no photo {address}; check the path")
    return photos
