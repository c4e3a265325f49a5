"""One camera of the node: its pace, its gates and its state."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future

from edge_caption.bounds import Polygons, Region
from edge_caption.cameras.camera import Feed
from edge_caption.cameras.newest import Shot
from edge_caption.cameras.watch import Back, Lost, Over, Watch
from edge_caption.errors import CameraError
from edge_caption.node.gates.gates import Gates
from edge_caption.node.gates.view import View
from edge_caption.node.meter import Meter
from edge_caption.node.settings import NodeCameraSettings
from edge_caption.records import CameraHealth, CameraState, CaptionRecord

Happening = Shot | Lost | Back | Over


class NodeCamera:
    """A camera with all that has to be remembered from one of its captions to the next. For one thread."""

    def __init__(
        self, feed: Feed, settings: NodeCameraSettings, notify: Callable[[], None], *, alone: bool = True
    ) -> None:
        """Start reading.

        Args:
            feed: where frames come from.
            settings: its name, pace and gates.
            notify: called from the reading thread when there may be something to take.
            alone: whether it is the node's only camera.
        """
        self.name = settings.name
        self._live = feed.live
        self.watch = Watch(feed, settings, notify, alone=alone)
        self.meter = Meter()
        self.settings_masks = settings.gate.masks
        """Those that it begins with where none were drawn."""
        self.view = View(settings.gate.masks, settings.gate.region)
        self.gates = Gates(settings.gate)
        self.told_obstructed = False
        """Whether the newest event says that its pictures show nothing."""
        self.due = 0.0
        """Monotonic seconds from which on the next frame may be taken."""
        self.state: CameraState | None = None
        """None until the first frame or fault."""
        self.enabled = True
        self._triggers: list[Future[CaptionRecord]] = []
        self.over = False
        """Whether its file has ended."""
        self._seen = False
        self.step_s = 1 / settings.fps if feed.live or settings.real_time else 0.0
        """Seconds between two captions, at least."""
        self.no_frame_s = settings.no_frame_s
        """For so long it may give nothing."""
        self._dropped = 0

    @property
    def flows(self) -> bool:
        """Whether frames are to be expected of it: it is live, switched on and there."""
        return (
            self._live
            and self.enabled
            and not self.over
            and self.state in ("online", "obstructed")
            and not self.watch.lost
        )

    @property
    def state_once_on(self) -> CameraState:
        """Its state where it is switched on, until the next frame or fault tells."""
        if self.over or self.watch.lost or not self._seen:
            return "offline"
        return "obstructed" if self.gates.obstructed else "online"

    @property
    def gives(self) -> bool:
        """Whether a frame will come for its turn."""
        return self.enabled and not self.over and not self.watch.lost

    def look(self, not_before: float = 0.0) -> Happening | None:
        """Return what has happened, or None when nothing has; never waits.

        Args:
            not_before: monotonic seconds before which no frame is to be taken, unless somebody asked for a caption.

        Raises:
            CameraError: a source that should be there could not be opened or read.
        """
        begin = self.due if self.wanted else max(self.due, not_before)
        happened = self.watch.take(0.0, begin if self.enabled else math.inf)
        match happened:
            case Shot():
                self._seen = True
                self._set_pace()
                self.meter.frames_dropped += happened.dropped
                self._dropped += happened.dropped
            case Over():
                self.over = True
        return happened

    def enable(self, enabled: bool) -> None:
        """Take frames, or only see whether the camera is there."""
        self.enabled = enabled
        if not enabled:
            self.fail_triggers(f"the camera {self.name} was switched off")

    @property
    def masks(self) -> Polygons:
        """What is hidden of its picture."""
        return self.view.masks

    @property
    def region(self) -> Region | None:
        """The part of its picture that is looked at; None: all."""
        return self.view.region

    def hide(self, masks: Polygons) -> None:
        """Hide other parts of its picture from now on."""
        self.view = View(masks, self.view.region)

    def set_fps(self, fps: float) -> None:
        """Change the pace."""
        self.step_s = 1 / fps
        self.due = min(self.due, time.monotonic() + self.step_s)

    def trigger(self, future: Future[CaptionRecord]) -> None:
        """Take the next frame at once and caption it for the one who asked; no gate holds it back."""
        self._triggers.append(future)
        self.due = 0.0
        if self.state in ("offline", "disabled"):
            self.fail_triggers(f"the camera {self.name} is {self.state}")

    @property
    def wanted(self) -> bool:
        """Whether somebody asked for a caption now."""
        return bool(self._triggers)

    def take_triggers(self) -> list[Future[CaptionRecord]]:
        """Return what waits for the next caption."""
        triggers, self._triggers = self._triggers, []
        return triggers

    def fail_triggers(self, reason: str) -> None:
        """Tell those who asked that there will be no caption."""
        for future in self.take_triggers():
            future.set_exception(CameraError(reason))

    def take_dropped(self) -> int:
        """Return how many frames were replaced by a newer one since the last call."""
        dropped, self._dropped = self._dropped, 0
        return dropped

    def health(self) -> CameraHealth:
        """Return how it does."""
        return self.meter.health(self.state, reconnects=self.watch.reconnects, held=dict(self.gates.held))

    def _set_pace(self) -> None:
        """Plan the next frame, without the drift that adding to the present would bring."""
        now = time.monotonic()
        self.due = (self.due if self.due > now - self.step_s else now) + self.step_s
        self.watch.want_from(self.due)


def longest_due_first(cameras: Iterable[NodeCamera]) -> list[NodeCamera]:
    """Return the cameras that are not over; the one that is longest past its due time is next."""
    return sorted((camera for camera in cameras if not camera.over), key=lambda camera: camera.due)
