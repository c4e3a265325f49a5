"""Over what FFmpeg brings RTSP: OpenCV takes that from the environment only, which all cameras share."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from edge_caption.errors import CameraError

VARIABLE = "OPENCV_FFMPEG_CAPTURE_OPTIONS"


class Transport:
    """The environment's setting. Cameras that agree open at once; one that wants another waits for their openings."""

    def __init__(self) -> None:
        """Take what the user set as what holds without a wish."""
        self._changed = threading.Condition()
        self._default = os.environ.get(VARIABLE)
        self._wish: str | None = None
        self._opening = 0

    @contextmanager
    def chosen(self, wish: str | None, timeout_s: float) -> Iterator[None]:
        """Keep it at this wish, None for the user's or OpenCV's default, until the `with` ends.

        Raises:
            CameraError: others have been opening for too long.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: wish == self._wish or not self._opening, timeout_s):
                raise CameraError("cameras of another transport are still opening; give all the same transport")
            self._set(wish)
            self._opening += 1
        try:
            yield
        finally:
            with self._changed:
                self._opening -= 1
                self._changed.notify_all()

    def _set(self, wish: str | None) -> None:
        self._wish = wish
        options = [self._default or "", f"rtsp_transport;{wish}" if wish else ""]
        # Set but empty, it would switch off OpenCV's default, which is TCP first.
        if value := "|".join(filter(None, options)):
            os.environ[VARIABLE] = value
        else:
            os.environ.pop(VARIABLE, None)


transport = Transport()
