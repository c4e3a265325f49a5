"""Bodies of requests, read within bounds: bytes of one, bytes of all at once, seconds."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import re
import time
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

T = TypeVar("T")

AT_ONCE = 8
"""Uploads of the largest size that may be in memory at once; smaller ones share the same bytes. Others wait unread."""

UPLOAD_S = 30.0

ROOM_S = 20.0
"""How long an upload may wait for room."""

DISCARDED = 4
"""An upload that is too large is read, and forgotten, up to so many times the largest size. Most clients read an answer
only once they have sent everything."""

ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)

DATA = re.compile(r"\s*data:.*;base64\s*", re.IGNORECASE | re.DOTALL)
"""How a data: URL of base64 begins: https://www.rfc-editor.org/rfc/rfc2397."""


class Uploads:
    """Reads bodies. For one event loop."""

    def __init__(self, most: int, patience_s: float = UPLOAD_S, room_s: float = ROOM_S) -> None:
        """Take the bounds.

        Args:
            most: bytes of one body.
            patience_s: seconds that one may take to come.
            room_s: seconds that one may wait for room before that.
        """
        self.most = most
        self._patience_s = patience_s
        self._room_s = room_s
        self._held = 0
        self._freed = asyncio.Event()

    @contextlib.asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[bytes]:
        """Give a request's body, which takes its room until the block ends.

        Raises:
            HTTPException: it is too large, too slow or cut off, or found no room.
        """
        size = self._announced(request)
        if size > self.most:
            await self._in_time(self._discard(request))
            raise self._too_large()
        if not await self._find_room(size):
            await self._in_time(self._discard(request))
            raise busy()
        self._held += size
        try:
            body = bytearray()
            await self._in_time(self._read_into(body, request))
            yield bytes(body)
        finally:
            self._held -= size
            self._freed.set()

    def _announced(self, request: Request) -> int:
        """Return the bytes that a body will have, as many as it may where it does not say."""
        length = request.headers.get("content-length", "")
        return int(length) if length.isdecimal() else self.most

    async def _find_room(self, size: int) -> bool:
        until = time.monotonic() + self._room_s
        while self._held + size > AT_ONCE * self.most:
            self._freed.clear()
            try:
                await asyncio.wait_for(self._freed.wait(), until - time.monotonic())
            except (TimeoutError, asyncio.TimeoutError):  # two classes on Python 3.10
                return False
        return True

    async def _in_time(self, reading: Coroutine[Any, Any, None]) -> None:
        try:
            await asyncio.wait_for(reading, self._patience_s)
        except (TimeoutError, asyncio.TimeoutError):
            raise HTTPException(408, f"the upload took longer than {self._patience_s:g} s; try again") from None
        except ClientDisconnect:
            raise HTTPException(400, "the upload was cut off; send it again") from None

    async def _read_into(self, body: bytearray, request: Request) -> None:
        seen = 0
        async for chunk in request.stream():
            seen += len(chunk)
            if seen > DISCARDED * self.most:
                break
            if seen <= self.most:
                body += chunk
        if seen > self.most:
            raise self._too_large()

    async def _discard(self, request: Request) -> None:
        seen = 0
        async for chunk in request.stream():
            seen += len(chunk)
            if seen > DISCARDED * self.most:
                break

    def _too_large(self) -> HTTPException:
        # Closed, for the rest of the body would come as the next request.
        return HTTPException(
            413, f"the upload is larger than {self.most / 1e6:g} MB; make it smaller", {"Connection": "close"}
        )


def busy() -> HTTPException:
    """Return what tells a client to come again."""
    return HTTPException(429, "too many photos wait already; try again in a second", {"Retry-After": "1"})


@contextlib.asynccontextmanager
async def json_body(uploads: Uploads, request: Request, kind: type[T]) -> AsyncIterator[T]:
    """Give a JSON body as one of our own types, until the block ends.

    Raises:
        HTTPException: as `Uploads.body` does, or it is no such JSON.
    """
    async with uploads.body(request) as body:
        try:
            asked = msgspec.json.decode(body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise HTTPException(400, f"the body is not the JSON that is wanted ({error}); see /openapi.json") from None
        yield asked


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
