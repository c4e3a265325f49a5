"""What the page may ask of the node."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Protocol

from edge_caption.bounds import Polygons, Region
from edge_caption.records import CaptionRecord


class Camera(Protocol):
    """A camera as the page sees it."""

    @property
    def enabled(self) -> bool:
        """Whether it is captioned."""
        ...

    @property
    def state(self) -> str | None:
        """`online`, `offline`, `disabled` or `obstructed`; None until the node runs."""
        ...

    @property
    def masks(self) -> Polygons:
        """What is hidden of its picture."""
        ...

    @property
    def region(self) -> Region | None:
        """The part of its picture that is shown; None: all."""
        ...


class Control(Protocol):
    """The running node, as far as the page may steer it. Requests raise ConfigError where there is no such camera."""

    @property
    def cameras(self) -> Mapping[str, Camera]:
        """The cameras by name."""
        ...

    def enable(self, camera: str, enabled: bool) -> None:
        """Caption a camera, or leave it alone."""
        ...

    def hide(self, camera: str, masks: Polygons | None) -> Future[None]:
        """Hide parts of its picture; None: those that its settings name. The future tells when it is so."""
        ...

    def trigger(self, camera: str) -> Future[CaptionRecord]:
        """Caption a camera's next frame at once; the future raises CameraError where there will be none."""
        ...
