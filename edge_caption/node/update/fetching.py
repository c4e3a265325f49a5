"""Goes on fetching an update over any number of connections."""

from __future__ import annotations

import logging
import time

from edge_caption.backoff import Backoff
from edge_caption.node.update.download import CutError, Download, shown
from edge_caption.node.update.incoming import Incoming, Order

log = logging.getLogger(__name__)


class Fetching:
    """A URL, and the connection of the moment. For one thread."""

    def __init__(self, order: Order) -> None:
        """Take the order; nothing is asked yet."""
        self._url = order.url or ""
        self._before = len(order.head)
        self._download: Download | None = None
        self._backoff = Backoff(1, 60)
        self._at = 0.0
        self._told = False

    def wait_s(self) -> float:
        """Return how long there is nothing to do."""
        return max(0.0, self._at - time.monotonic())

    def step(self, incoming: Incoming) -> None:
        """Fetch a piece; a connection that breaks is made again later.

        Raises:
            UpdateError: the server does not give the file, or it is not what was signed.
            OSError: the disk refuses.
        """
        try:
            download = self._download = self._download or Download(self._url, self._before + incoming.next)
            piece = download.read()
        except CutError as error:
            self._wait(error)
            return
        expected = incoming.next + len(piece)
        incoming.append(piece)
        self._backoff.reset()
        self._told = False
        if incoming.complete or incoming.next != expected:
            self.close()

    def close(self) -> None:
        """End the connection."""
        if self._download:
            self._download.close()
        self._download = None

    def _wait(self, error: CutError) -> None:
        self.close()
        self._at = time.monotonic() + self._backoff.next_s()
        if not self._told:
            log.warning("the update at %s does not come (%s); it is tried again", shown(self._url), error)
        self._told = True
