"""Bodies of requests, read within bounds: bytes of one, bytes of all at once, seconds."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from typing import TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

T = TypeVar("T")

AT_ONCE = 8
"""Uploads of the largest size that may be in memory at once; smaller ones share the same bytes."""

UPLOAD_S = 30.0

DISCARDED = 4
"""An upload that is too large is read, and forgotten, up to so many times the largest size. Most clients read an answer
only once they have sent everything."""

ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)

DATA = re.compile(r"\s*data:.*;base64\s*", re.IGNORECASE | re.DOTALL)
"""How a data: URL of base64 begins: https://www.rfc-editor.org/rfc/rfc2397."""


class Uploads:
    """Reads bodies. For one event loop."""

    def __init__(self, most: int, patience_s: float = UPLOAD_S) -> None:
        """Take the bounds.

        Args:
            most: bytes of one body.
            patience_s: seconds that one may take to come.
        """
        self.most = most
        self._patience_s = patience_s
        self._held = 0

    async def read(self, request: Request) -> bytes:
        """Return a request's body.

        Raises:
            HTTPException: it is too large, too slow or cut off, or too much is being read already.
        """
        body = bytearray()
        try:
            await asyncio.wait_for(self._read_into(body, request), self._patience_s)
        except (TimeoutError, asyncio.TimeoutError):  # two classes on Python 3.10
            raise HTTPException(408, f"the upload took longer than {self._patience_s:g} s; try again") from None
        except ClientDisconnect:
            raise HTTPException(400, "the upload was cut off; send it again") from None
        finally:
            self._held -= len(body)
        return bytes(body)

    async def _read_into(self, body: bytearray, request: Request) -> None:
        seen = 0
        async for chunk in request.stream():
            seen += len(chunk)
            if seen > DISCARDED * self.most:
                break
            if seen > self.most:
                continue
            if self._held + len(chunk) > AT_ONCE * self.most:
                raise busy()
            body += chunk
            self._held += len(chunk)
        if seen > self.most:
            raise self._too_large()

    def _too_large(self) -> HTTPException:
        # Closed, for the rest of the body would come as the next request.
        return HTTPException(
            413, f"the upload is larger than {self.most / 1e6:g} MB; make it smaller", {"Connection": "close"}
        )


def busy() -> HTTPException:
    """Return what tells a client to come again."""
    return HTTPException(429, "too many photos wait already; try again in a second", {"Retry-After": "1"})


async def read_json(uploads: Uploads, request: Request, kind: type[T]) -> T:
    """Return a JSON body as one of our own types.

    Raises:
        HTTPException: as `Uploads.read` does, or it is no such JSON.
    """
    body = await uploads.read(request)
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HTTPException(400, f"the body is not the JSON that is wanted ({error}); see /openapi.json") from None


def from_base64(text: str) -> bytes:
    """Return a photo's bytes from base64 or a data: URL.

    Raises:
        HTTPException: it is neither; an address elsewhere is never fetched.
    """
    if ADDRESS.match(text):
        raise HTTPException(400, "pictures are not fetched from elsewhere; send a data:image/jpeg;base64,… URL")
    kind, comma, data = text.partition(",")
    if comma and not DATA.fullmatch(kind):
        raise HTTPException(400, "the picture is no base64 data: URL; write data:image/jpeg;base64,…")
    try:
        # Lines of 76 characters are base64, too: MIME's.
        return base64.b64decode("".join((data if comma else text).split()), validate=True)
    except (binascii.Error, ValueError):
        raise HTTPException(400, "the picture is not base64; send a data:image/jpeg;base64,… URL") from None
