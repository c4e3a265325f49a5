"""An HTTP server in a thread of its own."""

from __future__ import annotations

import logging
import socket
import threading
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

    from starlette.types import ASGIApp

MAX_CONNECTIONS = 256

HEADERS_S = 10.0
"""How long a new connection may take to send a request's headers, and an old one to end those that it has begun."""


class Server:
    """Serves an app until it is closed."""

    def __init__(self, app: ASGIApp, listening: socket.socket) -> None:
        """Start it.

        Args:
            app: what answers.
            listening: a bound socket that listens; this closes it at the end.
        """
        config = uvicorn.Config(
            app,
            http=Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=MAX_CONNECTIONS,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=1,
        )
        # Strangers send what is no HTTP all day; only faults of our own are worth a line.
        logging.getLogger("uvicorn").setLevel(logging.ERROR)
        self._socket = listening
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._socket.getsockname()[1])

    def close(self) -> None:
        """Stop it and wait for its end."""
        self._server.should_exit = True
        self._thread.join(5)
        self._socket.close()

    def _run(self) -> None:
        self._server.run([self._socket])


class Protocol(H11Protocol):
    """uvicorn's, but a connection that sends no request, or half of one, is closed; uvicorn only closes idle ones."""

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._patience = self.loop.call_later(HEADERS_S, self._lose_patience)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._answers:
            self._be_patient()
        elif self._patience is None:
            self._patience = self.loop.call_later(HEADERS_S, self._lose_patience)

    def connection_lost(self, exc: Exception | None) -> None:
        self._be_patient()
        super().connection_lost(exc)

    @property
    def _answers(self) -> bool:
        cycle: Any = self.cycle
        return cycle is not None and not cycle.response_complete

    def _be_patient(self) -> None:
        if self._patience:
            self._patience.cancel()
            self._patience = None

    def _lose_patience(self) -> None:
        self._patience = None
        if not self._answers:
            self.transport.close()
