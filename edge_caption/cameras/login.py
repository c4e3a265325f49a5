"""Logins to cameras on HTTP, and on RTSP, which took them over from it."""

from __future__ import annotations

import hashlib
import string
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Sequence
from http.client import HTTPMessage
from typing import IO, Any
from urllib.parse import quote, unquote, urljoin, urlsplit

Hash = Callable[[str], str]

HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


class Login:
    """What a URL says of a user, and the URL without it."""

    def __init__(self, address: str) -> None:
        """Take the URL."""
        parts = urlsplit(address)
        host, path, query = parts.netloc.rpartition("@")[2], _asciified(parts.path), _asciified(parts.query)
        self.url = parts._replace(netloc=host, path=path, query=query, fragment="").geturl()
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
        digest = HASHES.get(algorithm.upper())
        if not digest:
            return super().get_algorithm_impls(algorithm)
        # urllib takes ASCII alone, but a password may have an umlaut.
        return (
            lambda text: digest(text.encode()).hexdigest(),
            lambda secret, data: digest(f"{secret}:{data}".encode()).hexdigest(),
        )


def _digests(offers: Sequence[str]) -> list[str]:
    return [offer for offer in offers if offer.lower().startswith("digest ")]


def _asciified(part: str) -> str:
    """Percent-encode what may not stand in a URL, blanks and umlauts, as browsers do."""
    return quote(part, safe=string.punctuation)
