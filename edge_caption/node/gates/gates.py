"""All gates of one camera, in the order of what they cost."""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from edge_caption.images.blank import shows_nothing
from edge_caption.images.frame import Pixels
from edge_caption.model.caption import Caption
from edge_caption.node.gates.motion import Motion
from edge_caption.node.gates.scene import Scene
from edge_caption.node.gates.schedule import Schedule
from edge_caption.node.gates.settings import GateSettings

OBSTRUCTED_AFTER = 3
"""Pictures in a row that show nothing before the camera counts as obstructed: one alone is a glitch."""


class Gates:
    """Hold frames back before the model, views before the decoder, and captions before they are published.

    Each method names the gate that holds something back, or returns None. For one thread.
    """

    def __init__(self, settings: GateSettings) -> None:
        """Take the settings.

        Raises:
            ConfigError: the schedule is not understood.
        """
        self._settings = settings
        self._schedule = Schedule(settings.schedule)
        self._motion = Motion(settings.motion)
        self._scene = Scene(settings.scene)
        self._blank_pictures = 0
        self._last_text: str | None = None
        self._last_at = self._unsure_at = -float("inf")
        self.held: Counter[str] = Counter()
        """How often each gate held something back."""
        self.blank_reason: str | None = None
        """What is wrong with the newest picture where it shows nothing."""

    @property
    def obstructed(self) -> bool:
        """Whether the latest pictures show nothing."""
        return self._blank_pictures >= OBSTRUCTED_AFTER

    def hold_frame(self, pixels: Pixels, *, wanted: bool) -> str | None:
        """Look at a picture before the model does.

        Args:
            pixels: shape (height, width, 3), RGB.
            wanted: somebody asked for this caption; only a picture that shows nothing is held back.
        """
        self.blank_reason = shows_nothing(pixels) if self._settings.blank else None
        self._blank_pictures = self._blank_pictures + 1 if self.blank_reason else 0
        if self.blank_reason:
            return self._hold("blank")
        moved = not self._settings.motion or self._motion.moved(pixels)
        if wanted:
            return None
        if not self._schedule.is_open(datetime.now()):  # noqa: DTZ005 - schedules are in local time
            return self._hold("schedule")
        if time.monotonic() - self._last_at < self._settings.min_interval_s:
            return self._hold("interval")
        return None if moved or self._overdue() else self._hold("motion")

    def hold_view(self, regions: NDArray[np.float32], *, wanted: bool) -> str | None:
        """Look at what the encoder sees before the decoder runs."""
        changed = not self._settings.scene or self._scene.changed(regions)
        if changed or wanted or self._overdue():
            return None
        self._motion.keep()  # it moved, but shows the same: the next motion is another one
        return self._hold("scene")

    def hold_caption(self, caption: Caption, *, wanted: bool) -> str | None:
        """Look at a caption before it is published."""
        self._motion.keep()
        self._scene.keep()
        if wanted:
            return None
        if caption.confidence < self._settings.min_confidence:
            self._unsure_at = time.monotonic()
            return self._hold("confidence")
        if not self._settings.repeat and caption.text == self._last_text and not self._overdue(self._last_at):
            return self._hold("repeat")
        return None

    def note_published(self, caption: Caption) -> None:
        """Remember what was published last."""
        self._last_text, self._last_at = caption.text, time.monotonic()

    def _overdue(self, since: float | None = None) -> bool:
        """Whether the longest interval is over: since a moment, or since the last caption, published or too unsure."""
        limit = self._settings.max_interval_s
        # What the floor held back was tried: otherwise each picture of a scene that is not sure would be captioned.
        last = max(self._last_at, self._unsure_at) if since is None else since
        return bool(limit) and time.monotonic() - last >= limit

    def _hold(self, gate: str) -> str:
        self.held[gate] += 1
        return gate
