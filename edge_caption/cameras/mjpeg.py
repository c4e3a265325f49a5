"""A camera that sends JPEGs over HTTP without end."""

from __future__ import annotations

import http.client
import logging
import time
from collections import deque

from edge_caption.cameras.jpegs import JpegSplitter
from edge_caption.errors import CameraError, PhotoError
from edge_caption.images.frame import Frame
from edge_caption.images.photos import decode_photo

log = logging.getLogger(__name__)

CHUNK = 1 << 16

FOREIGN_BYTES = 10_000_000
"""So much without a picture is no stream of JPEGs."""


class Mjpeg:
    """An answer that goes on."""

    def __init__(self, answer: http.client.HTTPResponse, name: str) -> None:
        """Take the answer, its body unread."""
        self._answer = answer
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
            while not self._found:
                self._receive()
            captured_at = time.time()
            try:
                return Frame(decode_photo(self._found.popleft(), self._name), captured_at)
            except PhotoError as error:
                log.log(logging.DEBUG if self._warned else logging.WARNING, "a picture is left out: %s", error)
                self._warned = True

    def close(self) -> None:
        """Hang up."""
        self._answer.close()

    def _receive(self) -> None:
        try:
            data = self._answer.read1(CHUNK)
        except (OSError, http.client.HTTPException, ValueError):
            raise CameraError(f"{self._name} is silent; check it and its network") from None
        if not data:
            raise CameraError(f"{self._name} gives no more frames; check it and its network")
        self._found += self._splitter.split(data)
        if self._splitter.left_out > FOREIGN_BYTES:
            raise CameraError(f"{self._name} sends no JPEGs; give the URL of its MJPEG stream or of its snapshot")
