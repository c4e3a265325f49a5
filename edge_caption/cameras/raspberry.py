"""A Raspberry Pi's CSI camera, through picamera2 (not tried on hardware)."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from edge_caption.cameras.settings import CameraSettings
from edge_caption.errors import CameraError
from edge_caption.images.frame import Frame

WIDTH, HEIGHT, FPS = 1280, 720, 30


class RaspberryCamera:
    """An opened camera."""

    def __init__(self, number: int, settings: CameraSettings) -> None:
        """Start it.

        Raises:
            CameraError: picamera2 is missing, or there is no such camera.
        """
        self._name = f"picamera://{number}"
        try:
            from picamera2 import Picamera2
        except ImportError:
            raise CameraError(
                "picamera2 is not there; install it (apt install python3-picamera2) and make the virtual environment "
                "with --system-site-packages"
            ) from None
        try:
            self._camera: Any = Picamera2(number)
            # libcamera names the bytes of a word from its high end: BGR888 is R, G, B in memory.
            main = {"size": (settings.width or WIDTH, settings.height or HEIGHT), "format": "BGR888"}
            controls = {"FrameRate": settings.capture_fps or FPS}
            self._camera.configure(self._camera.create_video_configuration(main=main, controls=controls))
            self._camera.start()
        except (RuntimeError, IndexError) as error:
            raise CameraError(f"{self._name} does not open ({error}); check its cable and its number") from None

    def read(self) -> Frame:
        """Return the next frame.

        Raises:
            CameraError: there is none.
        """
        try:
            pixels = np.ascontiguousarray(self._camera.capture_array("main"), np.uint8)
        except RuntimeError as error:
            raise CameraError(f"{self._name} gives no frame ({error}); check its cable") from None
        return Frame(pixels, time.time())

    def close(self) -> None:
        """Give the camera back."""
        self._camera.close()
