"""A camera on HTTP: a stream of JPEGs, a snapshot or a film, as its answer shows."""

from __future__ import annotations

import http.client
from typing import Literal

from edge_caption.cameras.camera import Camera
from edge_caption.cameras.http_address import HttpAddress
from edge_caption.cameras.jpeg_stream import JpegStream
from edge_caption.cameras.settings import CameraSettings
from edge_caption.cameras.snapshot import Snapshot
from edge_caption.cameras.source import Source
from edge_caption.errors import CameraError
from edge_caption.images.header import JPEG, PNG, RIFF, WEBP

CHUNK = 1 << 16

Content = Literal["stream", "picture", "film", "a web page", "JSON", "nothing"]
"""The last three are no camera's."""


def open_web(source: Source, settings: CameraSettings) -> Camera:
    """Ask for a URL and return the camera that its answer is.

    Raises:
        CameraError: there is no answer, a refusal or a web page.
    """
    # The watch is to find silence first and to name it.
    timeout_s = max(settings.open_timeout_s, settings.no_frame_s + 1)
    address = HttpAddress(source, timeout_s, tls_insecure=settings.tls_insecure)
    answer = address.ask()
    assert answer, "nothing was asked for that can be unmodified"
    match content_of(answer):
        case "stream":
            return JpegStream(lambda count: _receive(answer, count, source), answer.close, str(source))
        case "picture":
            # Asked for at least so often that no silence is seen in it.
            step_s = min(1 / settings.fps, settings.no_frame_s / 2)
            return Snapshot(address, answer, str(source), step_s, settings.no_frame_s / 2)
        case "film":
            answer.close()
            return _film(source, settings)
        case other:
            answer.close()
            raise CameraError(f"{source} gives {other}; give the URL of the camera's MJPEG stream or of its snapshot")


def content_of(answer: http.client.HTTPResponse) -> Content:
    """Tell by its type, or its first bytes where the type says little, what an answer holds."""
    kind = answer.headers.get_content_type()
    if kind.startswith("multipart/"):
        return "stream"
    head = _peek(answer).lstrip()
    if head.startswith((JPEG, PNG)) or (head.startswith(RIFF) and head[8:12] == WEBP):
        # A picture has an end, which its length or type says; a stream of pictures has none.
        return "picture" if kind.startswith("image/") or "Content-Length" in answer.headers else "stream"
    if kind == "text/html" or head.startswith(b"<"):
        return "a web page"
    if head.startswith(b"--"):
        return "stream"
    if kind == "application/json" or head.startswith(b"{"):
        return "JSON"
    return "film" if head else "nothing"


def _peek(answer: http.client.HTTPResponse) -> bytes:
    try:
        return answer.peek(16)
    except (OSError, http.client.HTTPException):
        return b""


def _receive(answer: http.client.HTTPResponse, count: int, source: Source) -> bytes:
    try:
        data = answer.read(count) if count else answer.read1(CHUNK)
    except (OSError, http.client.HTTPException, ValueError):
        raise CameraError(f"{source} is silent; check it and its network") from None
    if not data:
        raise CameraError(f"{source} gives no more frames; check it and its network")
    return data


def _film(source: Source, settings: CameraSettings) -> Camera:
    from edge_caption.cameras.stream import Stream

    return Stream(source, settings)
