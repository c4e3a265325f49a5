"""Network cameras made of what the standard library has."""

from __future__ import annotations

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import cv2
import numpy as np

from edge_caption.images.frame import Pixels

CELL = 16
BITS = 32


def draw_time(now: float) -> Pixels:
    """Return a picture, shape (240, 320, 3), whose top row says the time in milliseconds, one cell a bit."""
    picture = np.full((240, 320, 3), 90, np.uint8)
    picture[100:140, int(now * 100) % 280 : int(now * 100) % 280 + 40] = (200, 60, 30)
    milliseconds = int(now * 1000) % 2**BITS
    for bit in range(BITS):
        row, column = divmod(bit, 16)
        cell = picture[row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL]
        cell[:] = 255 if milliseconds >> bit & 1 else 0
    return picture


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

    def __init__(self, fps: float = 25, port: int = 0) -> None:
        self.fps = fps
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
        still = draw_time(0)
        while not self._closing.is_set():
            if not self.silent.is_set():
                picture = still if self.frozen.is_set() else draw_time(time.time())
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
