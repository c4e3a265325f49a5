"""An MQTT topic on which somebody publishes pictures: an ESP32-CAM, a recorder, another program."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from edge_caption.cameras.camera import Feed
from edge_caption.errors import CameraError, PhotoError
from edge_caption.images.frame import Frame
from edge_caption.images.photos import decode_photo

log = logging.getLogger(__name__)


class Mailbox:
    """The newest picture of a topic, as it came: the connection's thread must not wait for a decoder."""

    def __init__(self) -> None:
        """Begin empty."""
        self._changed = threading.Condition()
        self._picture: tuple[bytes, float] | None = None

    def put(self, data: bytes, captured_at: float) -> None:
        """Replace the picture; for any thread.

        Args:
            data: a message's payload.
            captured_at: seconds since the Unix epoch.
        """
        with self._changed:
            self._picture = data, captured_at
            self._changed.notify()

    def take(self, timeout_s: float) -> tuple[bytes, float] | None:
        """Take the picture out, or None when none came in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._picture, timeout_s)
            picture, self._picture = self._picture, None
            return picture


@dataclass(frozen=True)
class TopicFeed(Feed):
    """A feed whose pictures the node's broker brings: the node subscribes to `topic` and calls `put`."""

    topic: str
    """May hold wildcards."""

    put: Callable[[bytes, float], None]
    """Takes a message's payload and when it came, in seconds since the Unix epoch; for any thread."""


class Topic:
    """Decodes what comes to a mailbox."""

    def __init__(self, mailbox: Mailbox, name: str, timeout_s: float) -> None:
        """Take the mailbox, what messages call the topic, and after how many silent seconds a read fails."""
        self._mailbox = mailbox
        self._name = name
        self._timeout_s = timeout_s
        self._warned = False

    def read(self) -> Frame:
        """Return the next picture; a message that is none is left out.

        Raises:
            CameraError: none came in time.
        """
        while picture := self._mailbox.take(self._timeout_s):
            data, captured_at = picture
            try:
                return Frame(decode_photo(data, self._name), captured_at)
            except PhotoError as error:
                log.log(logging.DEBUG if self._warned else logging.WARNING, "a message is left out: %s", error)
                self._warned = True
        raise CameraError(f"nothing came on {self._name}; check what publishes there")

    def close(self) -> None:
        """The subscription stays with the node."""
