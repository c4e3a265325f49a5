"""One camera of the node: its pace, its gates and its state."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Literal

from edge_caption.cameras.camera import Feed
from edge_caption.cameras.newest import Shot
from edge_caption.cameras.settings import CameraSettings
from edge_caption.cameras.watch import Back, Lost, Over, Watch
from edge_caption.node.meter import Meter
from edge_caption.records import CameraHealth

Happening = Shot | Lost | Back | Over

State = Literal["online", "offline", "disabled"]


class NodeCamera:
    """A camera with all that has to be remembered from one of its captions to the next. For one thread."""

    def __init__(self, feed: Feed, settings: CameraSettings, notify: Callable[[], None]) -> None:
        """Start reading.

        Args:
            feed: where frames come from.
            settings: its name and pace.
            notify: called from the reading thread when there may be something to take.
        """
        self.name = settings.name
        self.watch = Watch(feed, settings, notify)
        self.meter = Meter()
        self.due = 0.0
        """Monotonic seconds from which on the next frame may be taken."""
        self.state: State | None = None
        """None until the first frame or fault."""
        self.enabled = True
        self.triggered = False
        """Whether somebody asked for a caption now: no gate holds it back."""
        self.over = False
        """Whether its file has ended."""
        self._step_s = 1 / settings.fps if feed.live or settings.real_time else 0.0
        self._dropped = 0

    def look(self) -> Happening | None:
        """Return what has happened, or None when nothing has; never waits.

        Raises:
            CameraError: a source that should be there could not be opened or read.
        """
        happened = self.watch.take(0.0, self.due if self.enabled else math.inf)
        match happened:
            case Shot():
                self._set_pace()
                self.meter.frames_dropped += happened.dropped
                self._dropped += happened.dropped
            case Over():
                self.over = True
        return happened

    def enable(self, enabled: bool) -> None:
        """Take frames, or only see whether the camera is there."""
        self.enabled = enabled

    def trigger(self) -> None:
        """Take the next frame at once and caption it."""
        self.enabled, self.triggered, self.due = True, True, 0.0

    def take_dropped(self) -> int:
        """Return how many frames were replaced by a newer one since the last call."""
        dropped, self._dropped = self._dropped, 0
        return dropped

    def health(self) -> CameraHealth:
        """Return how it does."""
        return self.meter.health(online=self.state == "online", reconnects=self.watch.reconnects)

    def _set_pace(self) -> None:
        """Plan the next frame, without the drift that adding to the present would bring."""
        now = time.monotonic()
        self.due = (self.due if self.due > now - self._step_s else now) + self._step_s
