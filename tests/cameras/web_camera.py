"""A camera on HTTP with logins, snapshots and pages; each path of its URL behaves in its own way."""

from __future__ import annotations

import hashlib
import itertools
import re
import ssl
import threading
import time
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2

from edge_caption.images.frame import Pixels
from tests.cameras.servers import draw_time
from tests.conftest import encode

USER, PASSWORD = "me", "hu sh/@"
LOGIN = "me:hu%20sh%2F%40"

HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


def jpeg_of(picture: Pixels) -> bytes:
    return encode(picture, ".jpg")


class WebCamera:
    """Serves until it is closed."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.picture = jpeg_of(draw_time(1))
        """What the snapshot shows."""
        self.film = b""
        self.status = 200
        self.asked: list[dict[str, str]] = []
        """The headers of each request."""
        self.paths: list[str] = []
        self.answers: list[int] = []
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera.asked.append(dict(self.headers))
                camera.paths.append(self.path)
                getattr(camera, f"_{self.path.strip('/').partition('.')[0]}")(self)

            def send_response(self, code: int, message: str | None = None) -> None:
                camera.answers.append(code)
                super().send_response(code, message)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _snap(self, request: BaseHTTPRequestHandler) -> None:
        tag = f'"{hashlib.md5(self.picture).hexdigest()}"'
        if self.status != 200:
            answer(request, self.status)
        elif request.headers.get("If-None-Match") == tag:
            answer(request, 304)
        else:
            answer(request, 200, self.picture, **{"Content-Type": "image/jpeg", "ETag": tag})

    def _bare(self, request: BaseHTTPRequestHandler) -> None:
        """Answer with a snapshot whose type says nothing."""
        answer(request, 200, self.picture)

    def _half(self, request: BaseHTTPRequestHandler) -> None:
        answer(request, 200, self.picture[: len(self.picture) // 2], **{"Content-Type": "image/jpeg"})

    def _page(self, request: BaseHTTPRequestHandler) -> None:
        answer(request, 200, b"\n<!DOCTYPE html><title>Log in</title>")

    def _json(self, request: BaseHTTPRequestHandler) -> None:
        answer(request, 200, b'{"error": "log in first"}', **{"Content-Type": "application/json"})

    def _empty(self, request: BaseHTTPRequestHandler) -> None:
        answer(request, 200, b"", **{"Content-Type": "image/jpeg"})

    def _lie(self, request: BaseHTTPRequestHandler) -> None:
        answer(request, 200, self.picture, **{"Content-Type": "text/html"})

    def _alone(self, request: BaseHTTPRequestHandler) -> None:
        """Send a stream that ends behind its first picture."""
        part = b"--x\r\nContent-Type: image/jpeg\r\n\r\n" + self.picture + b"\r\n--x--\r\n"
        answer(request, 200, part, **{"Content-Type": "multipart/x-mixed-replace;boundary=x"})

    def _walk(self, request: BaseHTTPRequestHandler) -> None:
        answer(request, 200, self.film, **{"Content-Type": "video/mp2t"})

    def _basic(self, request: BaseHTTPRequestHandler) -> None:
        expected = "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        self._log_in(request, request.headers.get("Authorization") == expected, ['Basic realm="cam"'])

    def _md5(self, request: BaseHTTPRequestHandler) -> None:
        self._digest(request, ["MD5"])

    def _sha256(self, request: BaseHTTPRequestHandler) -> None:
        self._digest(request, ["SHA-256", "MD5"])

    def _both(self, request: BaseHTTPRequestHandler) -> None:
        self._digest(request, ["MD5"], ['Basic realm="cam"'])

    def _digest(self, request: BaseHTTPRequestHandler, algorithms: list[str], others: list[str] | None = None) -> None:
        offers = [f'Digest realm="cam", qop="auth", nonce="n0", algorithm={name}' for name in algorithms]
        self._log_in(request, digest_is_right(request), (others or []) + offers)

    def _log_in(self, request: BaseHTTPRequestHandler, right: bool, offers: list[str]) -> None:
        if right:
            return self._snap(request)
        request.send_response(401)
        for offer in offers:
            request.send_header("WWW-Authenticate", offer)
        request.send_header("Content-Length", "0")
        return request.end_headers()

    def _chunked(self, request: BaseHTTPRequestHandler) -> None:
        request.protocol_version = "HTTP/1.1"
        request.send_response(200)
        request.send_header("Content-Type", "multipart/x-mixed-replace;boundary=x")
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        while True:
            picture = jpeg_of(draw_time(time.time()))
            request.wfile.write(b"%x\r\n%b\r\n" % (len(picture), picture))
            time.sleep(0.02)

    def _esp32(self, request: BaseHTTPRequestHandler) -> None:
        """Send no boundary before the first part, every third picture by half."""
        request.send_response(200)
        request.send_header("Content-Type", "multipart/x-mixed-replace;boundary=another")
        request.end_headers()
        for number in itertools.count(1):
            picture = jpeg_of(draw_time(time.time()))
            request.wfile.write(picture[: len(picture) // 2] if number % 3 == 0 else picture)
            request.wfile.write(b"\r\n--frame\r\n\r\n")
            time.sleep(0.02)

    def _nothing(self, request: BaseHTTPRequestHandler) -> None:
        """Send pictures of another kind."""
        request.send_response(200)
        request.send_header("Content-Type", "multipart/x-mixed-replace;boundary=x")
        request.end_headers()
        picture = cv2.imencode(".png", draw_time(1))[1].tobytes() * 1000
        while True:
            request.wfile.write(picture)


def answer(request: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def digest_is_right(request: BaseHTTPRequestHandler) -> bool:
    """Check a digest as RFC 7616, section 3.4 says."""
    said = dict(re.findall(r'(\w+)="?([^",]+)"?', request.headers.get("Authorization", "").partition(" ")[2]))
    if "response" not in said:
        return False

    def hashed(text: str) -> str:
        return HASHES[said["algorithm"]](text.encode()).hexdigest()

    secret, asked = hashed(f"{USER}:cam:{PASSWORD}"), hashed(f"GET:{request.path}")
    expected = hashed(f"{secret}:n0:{said['nc']}:{said['cnonce']}:auth:{asked}")
    return bool(said["response"] == expected)
