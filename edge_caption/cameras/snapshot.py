"""A camera whose URL gives one picture: asked for again and again."""

from __future__ import annotations

import http.client
import time

from edge_caption.cameras.http_address import HttpAddress
from edge_caption.errors import CameraError, PhotoError
from edge_caption.images.frame import Frame, Pixels
from edge_caption.images.photos import MAX_BYTES, decode_photo

VALIDATORS = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
"""What the camera says of a picture, and how it is asked for a newer one (RFC 9110, section 13.1)."""


class Snapshot:
    """Polls; while the camera says that its picture is still the same, that is given again."""

    codec = "single pictures"

    def __init__(
        self, address: HttpAddress, first: http.client.HTTPResponse, name: str, step_s: float, patience_s: float
    ) -> None:
        """Take the first picture.

        Args:
            address: where to ask.
            first: the first answer, its body unread.
            name: what messages call it.
            step_s: seconds between two questions.
            patience_s: for how long answers may be missing.

        Raises:
            CameraError: it holds no whole picture.
        """
        self._address = address
        self._name = name
        self._step_s = step_s
        self._patience_s = patience_s
        self._due = self._last_good = time.monotonic()
        self._conditions: dict[str, str] = {}
        self._pixels = self._take(first)
        self._fresh = True

    def read(self) -> Frame:
        """Return the picture of now at its time.

        Raises:
            CameraError: the camera has given none for too long.
        """
        while not self._fresh:
            time.sleep(max(0.0, self._due - time.monotonic()))
            self._fresh = self._ask()
        self._fresh = False
        now = time.monotonic()
        self._due = max(self._due + self._step_s, now)
        self._last_good = now
        return Frame(self._pixels, time.time())

    def close(self) -> None:
        """Nothing is open between two pictures."""

    def _ask(self) -> bool:
        try:
            if answer := self._address.ask(self._conditions):
                self._pixels = self._take(answer)
        except CameraError:
            now = time.monotonic()
            if now - self._last_good > self._patience_s:
                raise
            self._due = now + min(self._step_s, self._patience_s / 2)
            return False
        return True

    def _take(self, answer: http.client.HTTPResponse) -> Pixels:
        with answer:
            try:
                data = answer.read(MAX_BYTES)
            except (OSError, http.client.HTTPException):
                raise CameraError(f"{self._name} breaks off within a picture; check its network") from None
        try:
            pixels = decode_photo(data, self._name)
        except PhotoError as error:
            raise CameraError(str(error)) from None
        self._conditions = {ask: said for say, ask in VALIDATORS.items() if (said := answer.headers.get(say))}
        return pixels
