"""Lets in who may come in: the right host, the page's own origin, the token. Everybody else gets one sentence.

What each check is against:
    Host     DNS rebinding: a stranger's name that suddenly points to this computer.
    Origin   cross-site requests: a stranger's page that sends a form or a script's request here.
    token    other computers, where the server listens beyond this one.
"""

from __future__ import annotations

import hmac
import re
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge_caption.web.listen import ip_address, is_local

HEADERS = {
    # Nothing is loaded from elsewhere, nothing inline runs, and no other page may frame this one.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

HOST = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[^:\[\]@/]+)(?::(?P<port>\d{1,5}))?", re.IGNORECASE)

COOKIE_S = 30 * 24 * 3600


@dataclass(frozen=True)
class Door:
    """Who may come in."""

    host: str
    """Where it listens."""
    token: str | None = None
    """None: everybody who reaches it."""
    hosts: tuple[str, ...] = ()
    """Names that it is called by, beside this computer's own: a proxy's, say."""

    def knows(self, host: str) -> bool:
        """Whether a Host header names this server. A rebinding attack needs a name, so addresses may pass."""
        found = HOST.fullmatch(host)
        if not found:
            return False
        name = found["host"].strip("[]").lower().rstrip(".")
        if address := ip_address(name):
            return address.is_loopback or not is_local(self.host)
        return name in self._names()

    def _names(self) -> set[str]:
        names = {"localhost", *(name.lower() for name in self.hosts)}
        if not is_local(self.host):
            own = socket.gethostname().lower()
            names |= {own, f"{own.partition('.')[0]}.local", self.host.lower()}
        return names

    def opens_to(self, token: str) -> bool:
        """Whether this is the token; how long that takes tells nothing about it."""
        return self.token is None or hmac.compare_digest(token.encode(), self.token.encode())


class Guard:
    """ASGI middleware: refuses strangers, and gives every answer the headers of a wary server."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        """Stand before an app."""
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        request = HTTPConnection(scope)
        answer = self._refusal(request) or self._admission(request) or self._app

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(raw=message["headers"]).update(HEADERS)
            await send(message)

        await answer(scope, receive, send_safely)

    def _refusal(self, request: HTTPConnection) -> Response | None:
        if not self._door.knows(request.headers.get("host", "")):
            said = "this server is not known by that name; open the address that it printed at its start"
            return refuse(421, said, path=request.scope["path"])
        if _is_strange(request):
            said = "a page of another site may not use this server; open its own address instead"
            return refuse(403, said, path=request.scope["path"])
        return None

    def _admission(self, request: HTTPConnection) -> Response | None:
        """Return what to answer somebody without the token, or somebody who brings it in the address; else None."""
        found = HOST.fullmatch(request.headers.get("host", ""))
        cookie = f"edge_caption_{(found and found['port']) or 80}"
        kind, _, bearer = request.headers.get("authorization", "").partition(" ")
        given = bearer if kind.lower() == "bearer" else request.cookies.get(cookie, "")
        if brought := request.query_params.get("token"):
            if not self._door.opens_to(brought):
                return _refuse_token(request.scope["path"])
            if request.scope["method"] not in ("GET", "HEAD"):
                return None  # a program's: its body would be lost on the way
            # The token leaves the address bar, history and referrers, and stays in a cookie that no script reads.
            # Two slashes would begin another server's address.
            answer = RedirectResponse(f"/{request.url.path.lstrip('/')}", 303)
            answer.set_cookie(cookie, brought, COOKIE_S, httponly=True, samesite="lax")
            return answer
        return None if self._door.opens_to(given) else _refuse_token(request.scope["path"])


def refuse(status: int, sentence: str, headers: dict[str, str] | None = None, path: str = "") -> JSONResponse:
    """Return an answer that says what is wrong and what to do, at a path of OpenAI's as its clients read it."""
    return JSONResponse(
        _as_openai(status, sentence) if path.startswith("/v1/") else {"error": sentence}, status, headers
    )


def _as_openai(status: int, sentence: str) -> dict[str, Any]:
    kind = "rate_limit_error" if status == 429 else "invalid_request_error" if status < 500 else "server_error"
    return {"error": {"message": sentence, "type": kind, "param": None, "code": None}}


def _refuse_token(path: str) -> Response:
    return refuse(
        401,
        "the token is missing or wrong; open the address with the token that was printed at the start,"
        " or send it as Authorization: Bearer TOKEN",
        {"WWW-Authenticate": "Bearer"},
        path,
    )


def _is_strange(request: HTTPConnection) -> bool:
    """Whether a page of another origin sends this request; a link that somebody follows here is fine."""
    origin = request.headers.get("origin")
    if origin is not None and _place(origin) != request.headers.get("host", "").lower():
        return True
    site = request.headers.get("sec-fetch-site", "none")
    follows_link = request.headers.get("sec-fetch-mode") == "navigate" and request.scope["method"] == "GET"
    return site not in ("none", "same-origin") and not follows_link


def _place(origin: str) -> str:
    """Return an origin's host and port, empty where it is no origin."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
