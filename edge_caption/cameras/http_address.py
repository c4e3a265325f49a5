"""A camera's address on HTTP: asking it, with a login if need be, and what its refusals mean."""

from __future__ import annotations

import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping

from edge_caption import __version__
from edge_caption.cameras.login import Login
from edge_caption.cameras.refusals import meaning_of, word_for
from edge_caption.cameras.source import Source
from edge_caption.errors import CameraError

NOT_MODIFIED = 304


class HttpAddress:
    """Asks for one URL; basic and digest logins are answered, redirects are followed."""

    def __init__(self, source: Source, timeout_s: float, *, tls_insecure: bool) -> None:
        """Take the URL.

        Args:
            source: the URL, perhaps with a login.
            timeout_s: how long the connection may be silent.
            tls_insecure: take any certificate.
        """
        self._name = str(source)
        self._login = Login(source.address)
        self._timeout_s = timeout_s
        self._opener = urllib.request.build_opener(*self._login.handlers(), *_tls(source, tls_insecure))

    def ask(self, headers: Mapping[str, str] | None = None) -> http.client.HTTPResponse | None:
        """Return the answer, its body unread, or None if that is "not modified".

        Raises:
            CameraError: there is no answer, or it is a refusal.
        """
        given = {"User-Agent": f"edge-caption/{__version__}", "Accept": "multipart/x-mixed-replace, image/*, */*"}
        request = urllib.request.Request(self._login.url, headers={**given, **(headers or {})})
        try:
            answer: http.client.HTTPResponse = self._opener.open(request, timeout=self._timeout_s)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == NOT_MODIFIED:
                return None
            raise CameraError(f"{self._name} {meaning_of(error.code, self._login)}") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise CameraError(f"{self._name} {_explain(error)}") from None
        return answer


def _tls(source: Source, tls_insecure: bool) -> list[urllib.request.HTTPSHandler]:
    """Return what speaks TLS; the certificates that this computer trusts take megabytes, so only where it is spoken."""
    if tls_insecure:
        trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusting.check_hostname = False
        trusting.verify_mode = ssl.CERT_NONE
        return [urllib.request.HTTPSHandler(context=trusting)]
    return [urllib.request.HTTPSHandler(context=ssl.create_default_context())] if source.scheme == "https" else []


def _explain(error: Exception) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return (
            "has a certificate that this computer doesn't trust, perhaps one that it signed itself; "
            "if you trust the network, set tls_insecure = true for the camera"
        )
    if isinstance(reason, http.client.HTTPException | ValueError):
        return "does not speak HTTP as it should; check the port and the path of the URL"
    return f"does not open ({word_for(reason)}); check the address, the password and the network"
