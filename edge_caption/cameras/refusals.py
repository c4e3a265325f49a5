"""What it means that a camera in the network does not give what it is asked for."""

from __future__ import annotations

import socket
import ssl
from urllib.parse import urlsplit

from edge_caption.cameras.login import Login

MEANINGS = {
    401: "refuses the login; check the user name and password",
    403: "forbids this; check the user's rights on the camera",
    404: "has nothing there; check the path of the URL",
    429: "is asked too often; give a lower fps",
}
"""By status: RTSP has HTTP's."""


def meaning_of(status: int, login: Login) -> str:
    """Return what an HTTP or RTSP status says, and what to do."""
    scheme = urlsplit(login.url).scheme
    if status == 401 and not login.given:
        return f"wants a login; write it as {scheme}://user:password@host/…"
    return MEANINGS.get(status, f"answers with the status {status}; check the camera")


def word_for(error: object) -> str:
    """Return why there is no connection."""
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, socket.gaierror):
        return "its name is unknown"
    if isinstance(error, ssl.SSLError):
        return "no TLS there"
    return getattr(error, "strerror", None) or "no connection"
