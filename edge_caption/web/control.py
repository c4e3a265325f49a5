"""What the page may ask of the node."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Protocol

from edge_caption.records import CaptionRecord


class Control(Protocol):
    """The running node, as far as the page may steer it. Requests raise ConfigError where there is no such camera."""

    @property
    def cameras(self) -> Mapping[str, bool]:
        """Each camera's name, and whether it is enabled."""
        ...

    def enable(self, camera: str, enabled: bool) -> None:
        """Caption a camera, or leave it alone."""
        ...

    def trigger(self, camera: str) -> Future[CaptionRecord]:
        """Caption a camera's next frame at once; the future raises CameraError where there will be none."""
        ...
