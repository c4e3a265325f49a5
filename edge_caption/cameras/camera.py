"""What every kind of source looks like to the rest of the program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from edge_caption.images.frame import Frame


class Camera(Protocol):
    """An opened source."""

    def read(self) -> Frame | None:
        """Return the next frame, or None after the last one of a file.

        Raises:
            CameraError: no frame could be read.
        """
        ...

    def close(self) -> None:
        """Give the device or connection back."""
        ...


@runtime_checkable
class Skipping(Protocol):
    """An opened source that can pass a frame at less cost than reading it."""

    def skip(self) -> None:
        """Wait for the next frame and leave it.

        Raises:
            CameraError: there is none.
        """
        ...


@runtime_checkable
class Encoded(Protocol):
    """An opened source that knows how its frames come."""

    @property
    def codec(self) -> str:
        """What compresses them, such as h264."""
        ...


@dataclass(frozen=True)
class Feed:
    """A source that can be opened, again if need be, and what to expect of it."""

    name: str
    """What logs call it; holds no password."""

    open: Callable[[], Camera]
    """Raises CameraError."""

    live: bool
    """Frames come by themselves: only the newest counts, and silence is a fault. Otherwise every frame counts."""

    patient: bool
    """It may be absent at the start: keep trying. Otherwise that is the user's mistake."""
