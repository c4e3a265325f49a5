"""A broker inside this process, for a first try without installing one. Nothing beyond this computer reaches it."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading

from edge_caption.errors import ConfigError

HOST = "127.0.0.1"
START_S = 10.0


class EmbeddedBroker:
    """amqtt in a thread; speaks MQTT 3.1.1, keeps nothing on disk, lets every local client in."""

    def __init__(self, port: int) -> None:
        """Start it; `close` ends it.

        Raises:
            ConfigError: amqtt is not installed, or the port is taken.
        """
        try:
            import amqtt.broker  # noqa: F401
        except ImportError:
            raise ConfigError("the embedded broker needs amqtt; run: pip install 'edge-caption[broker]'") from None
        if not port_is_free(port):
            raise ConfigError(
                f"port {port} is taken, probably by another broker: use that one with"
                f" --broker mqtt://localhost:{port}, or choose a port with --broker embedded:PORT"
            )
        self.port = port
        self._started = threading.Event()
        self._failure: Exception | None = None
        # They tell every connection, and every client that is suddenly gone, at the level of a warning or worse.
        for name in ("amqtt", "transitions", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._thread = threading.Thread(target=self._run, name="broker", daemon=True)
        self._thread.start()
        if not self._started.wait(START_S) or self._failure:
            raise ConfigError(f"the embedded broker does not start on port {port} ({self._failure})")

    def close(self) -> None:
        """Stop it and wait for its end."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(5)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:
            self._failure = error
            self._started.set()

    async def _serve(self) -> None:
        from amqtt.broker import Broker

        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        broker = Broker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{self.port}"}},
                "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
            }
        )
        await broker.start()
        self._started.set()
        await self._stopping.wait()
        await broker.shutdown()


def port_is_free(port: int) -> bool:
    """Return whether a broker could listen on this port of this computer."""
    with socket.socket() as probe:
        # As asyncio's servers do: the last broker's connections may linger in TIME_WAIT.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
