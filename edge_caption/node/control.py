"""What may be asked of a running node from other threads: by commands over MQTT, by the page."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future

from edge_caption.bounds import Polygons
from edge_caption.errors import ConfigError
from edge_caption.node.camera import NodeCamera
from edge_caption.node.masks import Masks
from edge_caption.node.switches import Switches
from edge_caption.records import CaptionRecord, Health


class Control:
    """Takes requests from any thread; the node's own thread carries them out, in order."""

    def __init__(
        self, notify: Callable[[], None], health: Callable[[], Health], switches: Switches, masks: Masks
    ) -> None:
        """Take what wakes the node's thread, what it knows, and what it remembers."""
        self._notify = notify
        self._health = health
        self._switches = switches
        self._masks = masks
        self._cameras: dict[str, NodeCamera] = {}
        self._waiting: deque[Callable[[], None]] = deque()
        self._remembering = threading.Lock()
        """What is on disk, and the order in which it comes true, are one for the page and the broker."""

    def watch_over(self, cameras: Sequence[NodeCamera]) -> None:
        """Take the cameras that requests may name."""
        self._cameras = {camera.name: camera for camera in cameras}
        for camera in cameras:
            camera.enabled = self._switches.on(camera.name)
            camera.hide(self._masks.of(camera.name, camera.settings_masks))

    @property
    def cameras(self) -> Mapping[str, NodeCamera]:
        """The cameras by name, to be looked at: their state, whether they are enabled, their masks."""
        return self._cameras

    def enable(self, camera: str, enabled: bool) -> None:
        """Caption this camera, or leave it alone until it is enabled again, restarts included.

        Raises:
            ConfigError: there is no such camera.
            OutboxError: the disk refuses to remember it; all is as it was.
        """
        found = self._find(camera)
        with self._remembering:
            self._switches.turn(camera, on=enabled)
            self.ask(lambda: found.enable(enabled))

    def hide(self, camera: str, masks: Polygons | None) -> Future[None]:
        """Hide these parts of a camera's picture from everybody, restarts included; the future tells when it is so.

        Args:
            camera: its name.
            masks: corners as shares (0-1) of the picture; None: those of the settings again.

        Raises:
            ConfigError: there is no such camera.
            OutboxError: the disk refuses to remember them; all is as it was.
        """
        found = self._find(camera)
        future: Future[None] = Future()

        def hide() -> None:
            found.hide(found.settings_masks if masks is None else masks)
            future.set_result(None)

        with self._remembering:
            self._masks.keep(camera, masks, found.settings_masks)
            self.ask(hide)
        return future

    def trigger(self, camera: str) -> Future[CaptionRecord]:
        """Caption this camera's next frame at once, whatever its pace and gates say, and return its record later.

        Raises:
            ConfigError: there is no such camera.
        """
        found = self._find(camera)
        future: Future[CaptionRecord] = Future()
        self.ask(lambda: found.trigger(future))
        return future

    def set_fps(self, camera: str, fps: float) -> None:
        """Change a camera's pace until the program ends.

        Raises:
            ConfigError: there is no such camera.
        """
        found = self._find(camera)
        self.ask(lambda: found.set_fps(fps))

    def health(self) -> Future[Health]:
        """Return later how the node does."""
        future: Future[Health] = Future()
        self.ask(lambda: future.set_result(self._health()))
        return future

    def carry_out(self) -> None:
        """Do what was asked; for the node's thread."""
        while self._waiting:
            self._waiting.popleft()()

    def _find(self, camera: str) -> NodeCamera:
        if camera not in self._cameras:
            raise ConfigError(f"there is no camera {camera}; choose one of: {', '.join(self._cameras)}")
        return self._cameras[camera]

    def ask(self, action: Callable[[], None]) -> None:
        """Have the node's thread do something."""
        self._waiting.append(action)
        self._notify()
