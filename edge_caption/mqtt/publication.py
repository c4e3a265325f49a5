"""What is published and what is received."""

from __future__ import annotations

from dataclasses import dataclass, field

PACKET_OVERHEAD = 32
"""Bytes around topic, payload and properties in a PUBLISH packet, rounded up (MQTT 5, 3.3)."""


@dataclass(frozen=True)
class Publication:
    """A message to the broker. MQTT 3.1.1 drops everything after `retain`."""

    topic: str

    payload: bytes

    qos: int = 1

    retain: bool = False

    correlation_data: bytes | None = None
    """What the request carried, so that who asked recognises the answer."""

    expiry_s: int | None = None
    """After so many seconds the broker need not deliver it any more."""

    user_properties: tuple[tuple[str, str], ...] = ()

    response_topic: str | None = None
    """Where the answer is wanted."""

    @property
    def size(self) -> int:
        """Bytes of the packet, rounded up."""
        properties = sum(len(name.encode()) + len(value.encode()) + 5 for name, value in self.user_properties)
        return (
            len(self.topic.encode())
            + len(self.payload)
            + len(self.correlation_data or b"")
            + len((self.response_topic or "").encode())
            + properties
            + (PACKET_OVERHEAD)
        )


@dataclass(frozen=True)
class Received:
    """A message from the broker."""

    topic: str

    payload: bytes

    qos: int = 0

    retained: bool = False
    """It was published before this client subscribed, at any time in the past."""

    response_topic: str | None = None

    correlation_data: bytes | None = None

    user_properties: tuple[tuple[str, str], ...] = ()

    mid: int = field(default=0, compare=False)
    """By which its connection acknowledges it."""
