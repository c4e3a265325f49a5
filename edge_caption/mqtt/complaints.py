"""What the log says of a broker that does not take everything: each thing once, with what to do."""

from __future__ import annotations

import logging

from edge_caption.mqtt.limits import Limits

log = logging.getLogger(__name__)

RAISE_LIMIT = "raise its packet limit (Mosquitto: max_packet_size)"
ALLOW_WRITE = "let this client's user write to it"
ALLOW_READ = "let this client's user read it"
OTHER_BROKER = "use a broker that has them"
READ_LOG = "its log may say why"

MOST_TOPICS = 1000
"""More than a node has; answers go to topics that others choose, and memory is not for them to fill."""


class Complaints:
    """Remembers what was said."""

    def __init__(self) -> None:
        """Begin with nothing said."""
        self._said: set[tuple[str, str]] = set()

    def reject(self, topic: str, reason: str, advice: str, fate: str) -> None:
        """Name a topic that the broker doesn't want; the next message would say the same."""
        self._say(topic, advice, f"the broker rejects {topic} ({reason}); {advice}; {fate}")

    def name_losses(self, limits: Limits) -> None:
        """Say what a broker's lack of features costs."""
        if not limits.retain:
            self._say(
                "limits",
                "retain",
                "the broker keeps no retained messages: a client that subscribes later sees no status, caption or "
                "health until the next one is published (Mosquitto: retain_available true)",
            )
        if limits.qos == 0:
            self._say(
                "limits",
                "qos",
                "the broker takes QoS 0 only and acknowledges nothing: captions on their way when a connection breaks "
                "are lost (Mosquitto: max_qos 1)",
            )

    def _say(self, topic: str, about: str, sentence: str) -> None:
        if (topic, about) not in self._said and len(self._said) < MOST_TOPICS:
            self._said.add((topic, about))
            log.error(sentence)
