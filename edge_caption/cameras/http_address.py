"""A camera's address on HTTP: asking it, with a login if need be, and what its refusals mean."""

from __future__ import annotations

import hashlib
import http.client
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPMessage
from typing import IO, Any
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from edge_caption import __version__
from edge_caption.cameras.source import Source
from edge_caption.errors import CameraError

Hash = Callable[[str], str]

NOT_MODIFIED = 304

MEANINGS = {
    401: "refuses the login; check the user name and password",
    403: "forbids this; check the user's rights on the camera",
    404: "has nothing there; check the path of the URL",
    429: "is asked too often; give a lower fps",
}
"""By HTTP status."""


class HttpAddress:
    """Asks for one URL; basic and digest logins are answered, redirects are followed."""

    def __init__(self, source: Source, timeout_s: float, *, tls_insecure: bool) -> None:
        """Take the URL.

        Args:
            source: the URL, perhaps with a login.
            timeout_s: how long the connection may be silent.
            tls_insecure: take any certificate.
        """
        parts = urlsplit(source.address)
        self._name = str(source)
        self._url = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
        self._timeout_s = timeout_s
        self._logs_in = parts.username is not None
        self._opener = urllib.request.build_opener(
            *_logins(self._url, parts), urllib.request.HTTPSHandler(context=_trust(tls_insecure))
        )

    def ask(self, headers: Mapping[str, str] | None = None) -> http.client.HTTPResponse | None:
        """Return the answer, its body unread, or None if that is "not modified".

        Raises:
            CameraError: there is no answer, or it is a refusal.
        """
        given = {"User-Agent": f"edge-caption/{__version__}", "Accept": "multipart/x-mixed-replace, image/*, */*"}
        request = urllib.request.Request(self._url, headers={**given, **(headers or {})})
        try:
            answer: http.client.HTTPResponse = self._opener.open(request, timeout=self._timeout_s)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == NOT_MODIFIED:
                return None
            raise CameraError(f"{self._name} {self._meaning(error.code)}") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise CameraError(f"{self._name} {_explain(error)}") from None
        return answer

    def _meaning(self, status: int) -> str:
        if status == 401 and not self._logs_in:
            return "wants a login; write it as http://user:password@host/…"
        return MEANINGS.get(status, f"answers with the HTTP status {status}; check the camera")


class _Digest(urllib.request.HTTPDigestAuthHandler):
    """Digest logins, chosen where the camera would take the bare password, too; SHA-256 among them (RFC 7616)."""

    def http_error_401(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage
    ) -> Any:
        fp.close()  # urllib would leave it open where it asks again
        offers = [offer for offer in headers.get_all("WWW-Authenticate", []) if offer.lower().startswith("digest ")]
        if not offers:
            return None
        # Cameras lock an account after a few wrong passwords, and urllib would try one five times.
        if req.has_header("Authorization"):
            raise urllib.error.HTTPError(req.full_url, code, msg, headers, fp)
        offer = HTTPMessage()
        offer["WWW-Authenticate"] = offers[0]
        return super().http_error_401(req, fp, code, msg, offer)

    def get_algorithm_impls(self, algorithm: str) -> tuple[Hash, Callable[[str, str], str]]:
        if algorithm.upper() != "SHA-256":
            return super().get_algorithm_impls(algorithm)
        return _sha256, lambda secret, data: _sha256(f"{secret}:{data}")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _logins(url: str, parts: SplitResult) -> list[urllib.request.BaseHandler]:
    if parts.username is None:
        return []
    passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, urljoin(url, "/"), unquote(parts.username), unquote(parts.password or ""))
    return [_Digest(passwords), urllib.request.HTTPBasicAuthHandler(passwords)]


def _trust(tls_insecure: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if tls_insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _explain(error: Exception) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return (
            "has a certificate that this computer doesn't trust, perhaps one that it signed itself; "
            "if you trust the network, set tls_insecure = true for the camera"
        )
    if isinstance(reason, http.client.HTTPException | ValueError):
        return "does not speak HTTP as it should; check the port and the path of the URL"
    return f"does not open ({_word(reason)}); check the address, the password and the network"


def _word(reason: object) -> str:
    if isinstance(reason, TimeoutError):
        return "no answer"
    if isinstance(reason, socket.gaierror):
        return "its name is unknown"
    if isinstance(reason, ssl.SSLError):
        return "no TLS there"
    return getattr(reason, "strerror", None) or "no connection"
