"""JPEGs that come one after the other: over HTTP or from a child process."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable

from edge_caption.cameras.jpegs import JpegSplitter
from edge_caption.errors import CameraError, PhotoError
from edge_caption.images.frame import Frame
from edge_caption.images.photos import decode_photo

log = logging.getLogger(__name__)

FOREIGN_BYTES = 10_000_000
"""So much without a picture is no stream of JPEGs."""


class JpegStream:
    """Pictures out of bytes that somebody else receives."""

    codec = "JPEG"

    def __init__(self, receive: Callable[[int], bytes], close: Callable[[], None], name: str) -> None:
        """Take the stream.

        Args:
            receive: waits for the next bytes and returns them; raises CameraError when there are none. It may wait for
                as many as it is told, where that is not 0: one turn of this program then takes the rest of a picture.
            close: gives the stream back.
            name: what messages call it.
        """
        self.close = close
        """Gives the stream back."""
        self._receive = receive
        self._name = name
        self._splitter = JpegSplitter()
        self._found: deque[bytes] = deque()
        self._warned = False

    def read(self) -> Frame:
        """Return the next picture; a broken one is left out.

        Raises:
            CameraError: there is none.
        """
        while True:
            jpeg, captured_at = self._next(), time.time()
            if not jpeg:  # its beginning was passed
                continue
            try:
                return Frame(decode_photo(jpeg, self._name), captured_at)
            except PhotoError as error:
                log.log(logging.DEBUG if self._warned else logging.WARNING, "a picture is left out: %s", error)
                self._warned = True

    def skip(self) -> None:
        """Pass the next picture.

        Raises:
            CameraError: there is none.
        """
        self._next(wanted=False)

    def _next(self, *, wanted: bool = True) -> bytes:
        while not self._found:
            self._found += self._splitter.split(self._receive(self._splitter.missing), wanted=wanted)
            if self._splitter.left_out > FOREIGN_BYTES:
                raise CameraError(f"{self._name} sends no JPEGs; give the URL of its MJPEG stream or of its snapshot")
        return self._found.popleft()
