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

FIRST_REQUEST_S = 10.0
"""How long a new connection may take to send its first request's headers."""


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
    """uvicorn's, but a connection that sends no request is closed; uvicorn's own limit begins after the first."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._patience = self.loop.call_later(FIRST_REQUEST_S, self._lose_patience)

    def connection_lost(self, exc: Exception | None) -> None:
        self._patience.cancel()
        super().connection_lost(exc)

    def _lose_patience(self) -> None:
        cycle: Any = self.cycle
        if cycle is None:
            self.transport.close()
