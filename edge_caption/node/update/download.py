"""An update file behind a URL, fetched in pieces that follow on what is here."""

from __future__ import annotations

import http.client
import re
import ssl
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from edge_caption import __version__
from edge_caption.errors import UpdateError
from edge_caption.model.signed import split_head

PIECE_BYTES = 64 * 1024

SILENCE_S = 20.0
"""A server that says nothing for so long is asked again."""

HEAD_S = 30.0
"""How long the first few kilobytes may take."""


class CutError(Exception):
    """The connection has ended, or never was; the next one goes on."""


class Download:
    """One connection to an HTTP server."""

    def __init__(self, url: str, begin: int) -> None:
        """Ask for a file's bytes from `begin` on.

        Raises:
            UpdateError: the server does not give the file.
            CutError: it can't be reached now.
        """
        headers = {"User-Agent": f"edge-caption/{__version__}"}
        if begin:
            headers["Range"] = f"bytes={begin}-"
        try:
            self._answer = _opener().open(urllib.request.Request(url, headers=headers), timeout=SILENCE_S)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code >= 500 or error.code == 429:
                raise CutError(f"the server answers {error.code}") from None
            raise UpdateError(f"{shown(url)} is not given ({error.code} {error.reason}); check the address") from None
        except (OSError, http.client.HTTPException, ValueError, OverflowError) as error:  # the last: of a port
            raise _cut(error) from None
        self._skip = begin - _begins(self._answer, begin)
        if self._skip < 0:
            self.close()
            raise CutError("the server gives another part than it was asked for")

    def read(self) -> bytes:
        """Return what has come next, perhaps nothing of use.

        Raises:
            CutError: the connection broke, or the file has ended.
        """
        try:
            # Not `read`, which waits for the whole piece: a server may give a byte every few seconds.
            piece: bytes = self._answer.read1(PIECE_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise _cut(error) from None
        if not piece:
            raise CutError("the server sends less than the whole file")
        passed = min(self._skip, len(piece))
        self._skip -= passed
        return piece[passed:]

    def close(self) -> None:
        """End it."""
        self._answer.close()


def fetch_head(url: str) -> bytes:
    """Return the signed head of the file behind a URL.

    Raises:
        UpdateError: there is none.
    """
    data, head, until = b"", None, time.monotonic() + HEAD_S
    try:
        download = Download(url, 0)
        try:
            while head is None and time.monotonic() < until:
                data += download.read()
                head = split_head(data)
        finally:
            download.close()
    except CutError as error:
        raise UpdateError(f"{shown(url)} can't be fetched ({error}); check the address and the network") from None
    if head is None:
        raise UpdateError(f"{shown(url)} gives no head in {HEAD_S:g} s; check the server")
    return head


def check_url(url: str) -> str:
    """Return the URL where it is one of HTTP.

    Raises:
        UpdateError: it is something else.
    """
    try:
        parts = urlsplit(url)
        plain = url.isascii() and url.isprintable() and parts.port != 0  # a port that is none raises
        usable = parts.scheme in ("http", "https") and parts.hostname and plain
    except ValueError:
        usable = False
    if not usable or " " in url:
        raise UpdateError(
            "the url must begin with http:// or https:// and name a host, and a port of 1 to 65535 if any; "
            "percent-encode the rest"
        )
    if parts.username is not None:
        raise UpdateError("a url with a login in it would be read by whoever reads the commands; leave the login out")
    return url


def shown(url: str) -> str:
    """Return what logs and answers may show: without query, which may hold a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def _opener() -> urllib.request.OpenerDirector:
    """Return what speaks HTTP and nothing else: a redirect can't lead to a file."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=ssl.create_default_context()),
    ):
        opener.add_handler(handler)
    return opener


def _begins(answer: http.client.HTTPResponse, asked: int) -> int:
    """Return where an answer begins in the file: a server that knows no ranges begins at 0, and some cut elsewhere."""
    if answer.status != 206:
        return 0
    told = re.match(r"bytes (\d{1,18})-", answer.headers.get("Content-Range", ""))
    return int(told[1]) if told else asked


def _cut(error: Exception) -> CutError:
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return CutError("its certificate is not trusted")
    return CutError(str(getattr(reason, "strerror", None) or reason or type(reason).__name__))
