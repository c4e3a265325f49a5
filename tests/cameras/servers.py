"""Network cameras made of what the standard library has."""

from __future__ import annotations

import socket
import threading
import time
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import cv2
import numpy as np

from edge_caption.images.frame import Pixels
from edge_caption.images.photos import read_photo
from tests.conftest import PHOTOS

CELL = 16
BITS = 32


def draw_time(now: float, size: tuple[int, int] = (320, 240)) -> Pixels:
    """Return a photo of this width and height whose top rows say the time in milliseconds, one cell a bit."""
    picture = _scene(size).copy()
    picture[100:140, int(now * 100) % 280 : int(now * 100) % 280 + 40] = (200, 60, 30)
    milliseconds = int(now * 1000) % 2**BITS
    for bit in range(BITS):
        row, column = divmod(bit, 16)
        cell = picture[row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL]
        cell[:] = 255 if milliseconds >> bit & 1 else 0
    return picture


@lru_cache
def _scene(size: tuple[int, int]) -> Pixels:
    """Return what is behind it: a picture that shows nothing gets no caption."""
    return np.asarray(cv2.resize(read_photo(PHOTOS[0]), size), np.uint8)


def read_age_s(picture: Pixels, now: float) -> float:
    """Return how long ago `draw_time` drew this."""
    milliseconds = 0
    for bit in range(BITS):
        row, column = divmod(bit, 16)
        cell = picture[row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL]
        milliseconds |= int(cell.mean() > 127) << bit
    age: int = (int(now * 1000) - milliseconds) % 2**BITS
    return age / 1000


class MjpegCamera:
    """Sends JPEGs over HTTP as cheap cameras do, and has their faults."""

    def __init__(self, fps: float = 25, port: int = 0, size: tuple[int, int] = (320, 240)) -> None:
        self.fps = fps
        self.size = size
        self.frozen = threading.Event()
        self.silent = threading.Event()
        self.requests = 0
        self._closing = threading.Event()
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera.requests += 1
                camera._serve(self)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            # A viewer that hangs up is no error.
            def handle_error(self, *_: Any) -> None:
                pass

        self._server = Server(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/video"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        request.end_headers()
        still = draw_time(0, self.size)
        while not self._closing.is_set():
            if not self.silent.is_set():
                picture = still if self.frozen.is_set() else draw_time(time.time(), self.size)
                jpeg = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes()
                head = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg)
                request.wfile.write(head + jpeg + b"\r\n")
            time.sleep(1 / self.fps)


class MuteServer:
    """Accepts connections and says nothing."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]

    def close(self) -> None:
        self._server.close()
