"""Network cameras that fail on demand and come back, with the time drawn into their pictures."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import cv2
import numpy as np

from edge_caption.cameras.kinds import feed_of
from edge_caption.cameras.newest import Shot
from edge_caption.cameras.settings import CameraSettings
from edge_caption.cameras.source import Source
from edge_caption.cameras.watch import Lost, Watch
from tests.cameras.servers import draw_time, read_age_s
from tests.conftest import encode

Fault = Literal["gone", "open hang", "stall", "freeze", "wrong password", "overload", "truncated frames", "web page"]
FAULTS: tuple[Fault, ...] = (
    *("gone", "open hang", "stall", "freeze", "wrong password", "overload", "truncated frames", "web page"),
)

STATUS = {"wrong password": 401, "overload": 503}


class FaultyCamera:
    """An MJPEG camera. A connection that a fault has hit stays broken; what comes after its end works."""

    def __init__(self, fps: float = 25) -> None:
        self.fault: Fault | None = None
        self.size = (320, 240)
        self.on_frame: Callable[[int], None] = lambda _: None
        """Called with a frame's number before it is sent."""
        self._step_s = 1 / fps
        self._connections: set[socket.socket] = set()
        self._closing = threading.Event()
        self.port = 0
        self._listen()
        self.url = f"http://me:hush@127.0.0.1:{self.port}/video"

    def begin(self, fault: Fault) -> None:
        self.fault = fault
        if fault == "gone":
            self._server.shutdown()
            self._server.server_close()
        if fault in ("gone", "open hang", "wrong password", "overload", "web page"):
            for connection in list(self._connections):
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        if self.fault == "gone":
            self._listen()
        self.fault = None

    def close(self) -> None:
        self._closing.set()
        if self.fault != "gone":
            self._server.shutdown()
            self._server.server_close()

    def _listen(self) -> None:
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera._connections.add(self.connection)
                try:
                    camera._answer(self)
                finally:
                    camera._connections.discard(self.connection)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                pass

        self._server = Server(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        if self.fault == "open hang":
            self._closing.wait()
        if self.fault == "web page":
            request.send_response(200)
            request.send_header("Content-Type", "text/html")
            request.end_headers()
            request.wfile.write(b"<html>Please wait</html>")
        elif self.fault in STATUS:
            request.send_response(STATUS[self.fault])
            request.send_header("WWW-Authenticate", 'Basic realm="camera"')
            request.end_headers()
        else:
            self._stream(request)

    def _stream(self, request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        request.end_headers()
        for number in itertools.takewhile(lambda _: not self._closing.is_set(), itertools.count(1)):
            self.on_frame(number)
            if self.fault == "stall":
                self._closing.wait()
            picture = draw_time(0 if self.fault == "freeze" else time.time())
            jpeg = encode(np.asarray(cv2.resize(picture, self.size), np.uint8), ".jpg")
            if self.fault == "truncated frames":
                jpeg = jpeg[: len(jpeg) // 2]
            request.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + jpeg + b"\r\n")
            time.sleep(self._step_s)


def measure_recovery(
    url: str, settings: CameraSettings, begin: Callable[[], None], end: Callable[[], None], fault_s: float
) -> tuple[str | None, float]:
    """Break a running camera for so long and return why it counted as lost, and how long after the end it was back.

    Back is a frame that the camera took after the fault's end.
    """
    watch = Watch(feed_of(Source(url), settings), settings)
    try:
        _take_until(watch, time.monotonic() + 20)
        begin()
        lost = _take_until(watch, time.monotonic() + fault_s, lost=True)
        time.sleep(fault_s / 10)
        end()
        returned = time.time()
        _take_until(watch, time.monotonic() + 90, taken_after=returned)
        return lost, time.time() - returned
    finally:
        watch.stop(2)


def _take_until(watch: Watch, until: float, *, lost: bool = False, taken_after: float = 0) -> str | None:
    """Take what happens until the time is over, or for a frame of after some time."""
    reason = None
    while time.monotonic() < until:
        happened = watch.take(0.02)
        if isinstance(happened, Lost):
            reason = happened.reason
        if not lost and isinstance(happened, Shot):
            drawn = time.time() - read_age_s(happened.frame.pixels, time.time())
            if drawn > taken_after:
                return reason
    return reason
