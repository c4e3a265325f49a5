"""How long a camera has been giving the same picture."""

from __future__ import annotations

import zlib

from edge_caption.cameras.newest import Shot

STRIDE = 8
"""Every eighth row and column is compared: a sensor's noise changes some of them, a frozen picture none."""


class Stillness:
    """Compares each picture with the one before."""

    def __init__(self) -> None:
        """Begin without a picture."""
        self._picture: int | None = None
        self._since = 0.0

    def seconds(self, shot: Shot) -> float:
        """Return for how many seconds up to this shot the picture has been exactly the same."""
        picture = zlib.crc32(shot.frame.pixels[::STRIDE, ::STRIDE].tobytes())
        if picture != self._picture:
            self._picture, self._since = picture, shot.arrived
        return shot.arrived - self._since
