"""Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable

WAITING = 64
"""Events that wait for a slow browser before the oldest is dropped."""

LOOKERS = 32
"""Browsers that may look at once."""

HEARTBEAT_S = 15.0
"""A comment so often: proxies keep the connection, and one that is dead is noticed."""


def event(kind: str, data: bytes) -> bytes:
    """Return an event; `data` is JSON and so has no line breaks."""
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), data)


class Audience:
    """Those that look. `tell` and `close` are for any thread, the rest for the server's."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._lock = threading.Lock()
        self._lookers: dict[asyncio.Queue[bytes | None], asyncio.AbstractEventLoop] = {}

    @property
    def full(self) -> bool:
        """Whether no more may look."""
        return len(self._lookers) >= LOOKERS

    def tell(self, make: Callable[[], bytes]) -> None:
        """Tell an event to those that look; it is only made where somebody does."""
        if self._lookers:
            self._put(make())

    def close(self) -> None:
        """End what those that look are reading."""
        self._put(None)

    async def listen(self, beginning: Callable[[], list[bytes]]) -> AsyncIterator[bytes]:
        """Yield events for one that looks, those of the beginning first; what happens meanwhile comes after them."""
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(WAITING)
        with self._lock:
            self._lookers[queue] = asyncio.get_running_loop()
        try:
            for told in beginning():
                yield told
            async for told in _events(queue):
                yield told
        finally:
            with self._lock:
                del self._lookers[queue]

    def _put(self, told: bytes | None) -> None:
        with self._lock:
            for queue, loop in self._lookers.items():
                with contextlib.suppress(RuntimeError):  # its server has just ended
                    loop.call_soon_threadsafe(_put_newest, queue, told)


async def _events(queue: asyncio.Queue[bytes | None]) -> AsyncIterator[bytes]:
    while True:
        try:
            told = await asyncio.wait_for(queue.get(), HEARTBEAT_S)
        except (TimeoutError, asyncio.TimeoutError):  # two classes on Python 3.10
            told = b":\n\n"
        if told is None:
            return
        yield told


def _put_newest(queue: asyncio.Queue[bytes | None], told: bytes | None) -> None:
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(told)
