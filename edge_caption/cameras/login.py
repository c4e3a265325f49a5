"""Logins to cameras on HTTP, and on RTSP, which took them over from it."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Sequence
from http.client import HTTPMessage
from typing import IO, Any
from urllib.parse import unquote, urljoin, urlsplit

Hash = Callable[[str], str]


class Login:
    """What a URL says of a user, and the URL without it."""

    def __init__(self, address: str) -> None:
        """Take the URL."""
        parts = urlsplit(address)
        self.url = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
        self.given = parts.username is not None
        """Whether there is a user to log in."""
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")

    def handlers(self) -> list[urllib.request.BaseHandler]:
        """Return what answers HTTP's questions for a login."""
        return (
            [_Digest(self._passwords()), urllib.request.HTTPBasicAuthHandler(self._passwords())] if self.given else []
        )

    def answer(self, offers: Sequence[str], method: str) -> str | None:
        """Return an `Authorization` for RTSP, None where no offer is known.

        Args:
            offers: of `WWW-Authenticate`.
            method: of the request.
        """
        if digests := _digests(offers):
            request = urllib.request.Request(self.url, method=method)
            request.selector = self.url
            said = digests[0].partition(" ")[2]
            challenge = urllib.request.parse_keqv_list([*filter(None, urllib.request.parse_http_list(said))])
            response = _Digest(self._passwords()).get_authorization(request, challenge)
            return f"Digest {response}" if response else None
        if any(offer.lower().startswith("basic") for offer in offers):
            return "Basic " + b64encode(f"{self._user}:{self._password}".encode()).decode()
        return None

    def _passwords(self) -> urllib.request.HTTPPasswordMgr:
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, urljoin(self.url, "/"), self._user, self._password)
        return passwords


class _Digest(urllib.request.HTTPDigestAuthHandler):
    """Digest logins, chosen where the camera would take the bare password, too; SHA-256 among them (RFC 7616)."""

    def http_error_401(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage
    ) -> Any:
        fp.close()  # urllib would leave it open where it asks again
        offers = _digests(headers.get_all("WWW-Authenticate", []))
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


def _digests(offers: Sequence[str]) -> list[str]:
    return [offer for offer in offers if offer.lower().startswith("digest ")]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
