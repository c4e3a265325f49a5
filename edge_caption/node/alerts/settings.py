"""What an alert can be told."""

from __future__ import annotations

import msgspec

from edge_caption.bounds import Positive, Share


class AlertSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One of [[alerts]]."""

    name: str
    """Of the event, the topic and Home Assistant's sensor."""
    words: str | tuple[str, ...]
    """What a caption must name, as in "a person at the door"; of several, one is enough."""
    cameras: tuple[str, ...] = ()
    """Only these; all if empty."""
    min_confidence: Share = 0.0
    """A caption of less confidence raises no alert."""
    off_after_s: Positive = 30.0
    """The sensor goes off when no caption fits for so long; the next one that does is a new event."""

    @property
    def phrases(self) -> tuple[str, ...]:
        """The words, as several in any case."""
        return (self.words,) if isinstance(self.words, str) else self.words
