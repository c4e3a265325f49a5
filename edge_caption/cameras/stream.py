"""A camera in the network: RTSP, HTTP and what else FFmpeg reads."""

from __future__ import annotations

from itertools import chain

import cv2

from edge_caption.cameras.capture import codec_of, read_now, silence_ffmpeg, skip_now
from edge_caption.cameras.settings import CameraSettings
from edge_caption.cameras.source import Source
from edge_caption.cameras.transport import transport
from edge_caption.errors import CameraError
from edge_caption.images.frame import Frame


class Stream:
    """An opened connection to a camera."""

    def __init__(self, source: Source, settings: CameraSettings) -> None:
        """Connect.

        Raises:
            CameraError: there is no video to be had.
        """
        silence_ffmpeg()
        self._name = str(source)
        # The timeouts work only here: set() later returns False. One decoder thread keeps memory small.
        options = {
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: _milliseconds(settings.open_timeout_s),
            # The watch is to find silence first and to name it; a second later FFmpeg gives the thread back.
            cv2.CAP_PROP_READ_TIMEOUT_MSEC: _milliseconds(settings.no_frame_s + 1),
            cv2.CAP_PROP_N_THREADS: 1,
        }
        with transport.chosen(settings.transport, settings.open_timeout_s):
            self._capture = cv2.VideoCapture(source.address, cv2.CAP_FFMPEG, [*chain(*options.items())])
        if not self._capture.isOpened():
            raise CameraError(f"{self._name} does not open; check the address, the password and the network")

    def read(self) -> Frame:
        """Return the next frame.

        Raises:
            CameraError: there is none. The connection is of no use then: isOpened() stays true, but every read
                fails at once.
        """
        return read_now(self._capture, self._name)

    def skip(self) -> None:
        """Pass the next frame.

        Raises:
            CameraError: there is none.
        """
        skip_now(self._capture, self._name)

    @property
    def codec(self) -> str:
        """What compresses its frames."""
        return codec_of(self._capture)

    def close(self) -> None:
        """Disconnect."""
        self._capture.release()


def _milliseconds(seconds: float) -> int:
    return int(min(seconds * 1000, 2**31 - 1))
