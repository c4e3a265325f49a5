"""An event that `select` can wait for beside the network."""

from __future__ import annotations

import contextlib
import select
import socket


class SelectableEvent:
    """As `threading.Event`, with a socket for `select`: ends another thread's wait for the network."""

    def __init__(self) -> None:
        """Make a pair of connected sockets."""
        self.receiver, self._sender = socket.socketpair()
        self.receiver.setblocking(False)
        self._sender.setblocking(False)

    def set(self) -> None:
        """SelectableEvent the waiter, now or as soon as it waits."""
        # Refused: thousands of wake-ups wait already, or nobody waits any more.
        with contextlib.suppress(OSError):
            self._sender.send(b"\0")

    def clear(self) -> None:
        """Forget past wake-ups."""
        with contextlib.suppress(BlockingIOError):
            while self.receiver.recv(4096):
                pass

    def wait(self, timeout_s: float) -> None:
        """Wait until somebody wakes this thread."""
        select.select([self.receiver], [], [], max(0.0, timeout_s))
        self.clear()

    def close(self) -> None:
        """Close the sockets."""
        self.receiver.close()
        self._sender.close()
