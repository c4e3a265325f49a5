"""What is worth nothing later: answers and pictures that wait for the connection."""

from __future__ import annotations

import logging
import threading
from collections import deque

from edge_caption.mqtt.publication import Publication

log = logging.getLogger(__name__)

MOST_BYTES = 8 * 1024 * 1024
"""That wait; of more, the oldest go. Some thousand answers, or a few pictures."""


class Passing:
    """A queue of bounded size. For any thread."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._mutex = threading.Lock()
        self._waiting: deque[Publication] = deque()
        self._bytes = 0
        self._told = False

    def __bool__(self) -> bool:
        """Whether something waits."""
        return bool(self._waiting)

    def put(self, publication: Publication) -> None:
        """Append one; the newest always stays."""
        with self._mutex:
            self._waiting.append(publication)
            self._bytes += publication.size
            while self._bytes > MOST_BYTES and len(self._waiting) > 1:
                self._drop()

    def take(self) -> Publication:
        """Return the oldest.

        Raises:
            IndexError: nothing waits.
        """
        with self._mutex:
            taken = self._waiting.popleft()
            self._bytes -= taken.size
        return taken

    def clear(self) -> None:
        """Forget all."""
        with self._mutex:
            self._waiting.clear()
            self._bytes = 0

    def _drop(self) -> None:
        dropped = self._waiting.popleft()
        self._bytes -= dropped.size
        if not self._told:
            log.warning("more waits for the broker than is kept; the oldest on %s is left out", dropped.topic)
        self._told = True
