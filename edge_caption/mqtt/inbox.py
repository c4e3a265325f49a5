"""Who wants which messages from the broker, over any number of connections."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection

from paho.mqtt.client import topic_matches_sub

from edge_caption.mqtt.publication import Received

log = logging.getLogger(__name__)

Handler = Callable[[Received], None]


class Inbox:
    """Topic filters and their handlers. `subscribe` is for any thread, the rest for the one of the connection."""

    def __init__(self) -> None:
        """Begin without subscriptions."""
        self._mutex = threading.Lock()
        self._handlers: list[tuple[str, Handler]] = []
        self._unsent: dict[str, None] = {}

    def subscribe(self, topic_filter: str, handler: Handler) -> None:
        """Have a handler called with each message whose topic matches, on the connection's thread."""
        with self._mutex:
            self._handlers.append((topic_filter, handler))
            self._unsent[topic_filter] = None

    def renew(self) -> None:
        """Make every subscription unsent: a new connection begins without them."""
        with self._mutex:
            self._unsent = dict.fromkeys(topic_filter for topic_filter, _ in self._handlers)

    def resend(self, topic_filters: Collection[str]) -> None:
        """Make these unsent again, where somebody wants them."""
        with self._mutex:
            self._unsent.update(dict.fromkeys(each for each, _ in self._handlers if each in topic_filters))

    def take(self, most: int) -> list[str]:
        """Return topic filters to subscribe to now."""
        with self._mutex:
            now = list(self._unsent)[: max(0, most)]
            for topic_filter in now:
                del self._unsent[topic_filter]
        return now

    @property
    def waiting(self) -> bool:
        """Whether a subscription is unsent."""
        return bool(self._unsent)

    def deliver(self, message: Received) -> None:
        """Call who wants it; a handler that raises harms neither the connection nor the other handlers."""
        for topic_filter, handler in list(self._handlers):
            if topic_matches_sub(topic_filter, message.topic):
                try:
                    handler(message)
                except Exception:
                    log.exception("a message on %s could not be handled", message.topic)
