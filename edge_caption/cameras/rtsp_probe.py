"""Asks an RTSP camera for its description, to learn why FFmpeg got nothing: OpenCV does not tell."""

from __future__ import annotations

import http.client
import socket
import ssl
from urllib.parse import urlsplit

from edge_caption.cameras.login import Login
from edge_caption.cameras.refusals import meaning_of, word_for
from edge_caption.cameras.source import Source

PORTS = {"rtsp": 554, "rtsps": 322}

OK, UNAUTHORIZED = 200, 401


def explain_rtsp(source: Source, timeout_s: float) -> str:
    """Return what keeps a camera from giving video, and what to do."""
    login = Login(source.address)
    try:
        status = _describe(login, timeout_s)
    except (OSError, ValueError, http.client.HTTPException) as error:
        if isinstance(error, ValueError | http.client.HTTPException):
            return "does not speak RTSP there; check the port"
        where = urlsplit(login.url)
        port = where.port or PORTS[where.scheme]
        return f"can't be reached on port {port} ({word_for(error)}); check the address, the port and the network"
    if status != OK:
        return meaning_of(status, login)
    return "describes its video, but gives none that FFmpeg can read in time; try the other transport or codec"


def _describe(login: Login, timeout_s: float) -> int:
    """Return the status of an answer to DESCRIBE (RFC 2326, section 10.2), with the login if it is asked for."""
    status, offers = _ask(login, timeout_s, None)
    if status == UNAUTHORIZED and login.given and (answer := login.answer(offers, "DESCRIBE")):
        status, _ = _ask(login, timeout_s, answer)
    return status


def _ask(login: Login, timeout_s: float, authorization: str | None) -> tuple[int, list[str]]:
    lines = [f"DESCRIBE {login.url} RTSP/1.0", "CSeq: 1", "Accept: application/sdp", "User-Agent: edge-caption"]
    if authorization:
        lines.append(f"Authorization: {authorization}")
    with _connect(login, timeout_s) as connection, connection.makefile("rb") as answer:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        protocol, _, rest = answer.readline(1000).decode("latin-1").partition(" ")
        if not protocol.startswith("RTSP/"):
            raise ValueError("no RTSP")
        return int(rest[:3]), http.client.parse_headers(answer).get_all("WWW-Authenticate", [])


def _connect(login: Login, timeout_s: float) -> socket.socket:
    parts = urlsplit(login.url)
    connection = socket.create_connection((parts.hostname, parts.port or PORTS[parts.scheme]), timeout_s)
    if parts.scheme != "rtsps":
        return connection
    # As FFmpeg does, which checks no certificate unless told to.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(connection)
