"""What may be asked of a running node from other threads: by commands over MQTT, by the page."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from edge_caption.errors import ConfigError
from edge_caption.node.camera import NodeCamera
from edge_caption.node.switches import Switches
from edge_caption.records import CaptionRecord, Health


class Control:
    """Takes requests from any thread; the node's own thread carries them out, in order."""

    def __init__(self, notify: Callable[[], None], health: Callable[[], Health], switches: Switches) -> None:
        """Take what wakes the node's thread, what it knows, and what it remembers."""
        self._notify = notify
        self._health = health
        self._switches = switches
        self._cameras: dict[str, NodeCamera] = {}
        self._waiting: deque[Callable[[], None]] = deque()

    def watch_over(self, cameras: Sequence[NodeCamera]) -> None:
        """Take the cameras that requests may name."""
        self._cameras = {camera.name: camera for camera in cameras}
        for camera in cameras:
            camera.enabled = self._switches.on(camera.name)

    @property
    def cameras(self) -> dict[str, bool]:
        """Each camera's name, and whether it is enabled."""
        return {name: camera.enabled for name, camera in self._cameras.items()}

    def enable(self, camera: str, enabled: bool) -> None:
        """Caption this camera, or leave it alone until it is enabled again, restarts included.

        Raises:
            ConfigError: there is no such camera.
            OutboxError: the disk refuses to remember it; all is as it was.
        """
        found = self._find(camera)
        self._switches.turn(camera, on=enabled)
        self._ask(lambda: found.enable(enabled))

    def trigger(self, camera: str) -> Future[CaptionRecord]:
        """Caption this camera's next frame at once, whatever its pace and gates say, and return its record later.

        Raises:
            ConfigError: there is no such camera.
        """
        found = self._find(camera)
        future: Future[CaptionRecord] = Future()
        self._ask(lambda: found.trigger(future))
        return future

    def set_fps(self, camera: str, fps: float) -> None:
        """Change a camera's pace until the program ends.

        Raises:
            ConfigError: there is no such camera.
        """
        found = self._find(camera)
        self._ask(lambda: found.set_fps(fps))

    def health(self) -> Future[Health]:
        """Return later how the node does."""
        future: Future[Health] = Future()
        self._ask(lambda: future.set_result(self._health()))
        return future

    def carry_out(self) -> None:
        """Do what was asked; for the node's thread."""
        while self._waiting:
            self._waiting.popleft()()

    def _find(self, camera: str) -> NodeCamera:
        if camera not in self._cameras:
            raise ConfigError(f"there is no camera {camera}; choose one of: {', '.join(self._cameras)}")
        return self._cameras[camera]

    def _ask(self, action: Callable[[], None]) -> None:
        self._waiting.append(action)
        self._notify()
