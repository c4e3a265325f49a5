"""A socket on this computer that tells how the running node does: `edge-caption status` asks it."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from edge_caption.errors import ConfigError, OutboxError
from edge_caption.records import Health, encode
from edge_caption.text import decode_json

log = logging.getLogger(__name__)

ANSWER_S = 5.0
"""How long the asker waits."""

LONGEST_PATH = 107
"""Bytes of a Unix socket's path (unix(7): 108 with the closing zero)."""

TAKE = 65_536


def socket_path(outbox: Path) -> Path:
    """Return the node's socket, beside its outbox."""
    return outbox.with_name("status.sock")


class StatusSocket:
    """Answers whoever connects with the node's health as JSON; only the user who runs the node may ask."""

    def __init__(self, path: Path, health: Callable[[], Health]) -> None:
        """Listen; a node whose folder can't hold a socket does without, and says so."""
        self._path = path
        self._health = health
        self._server: socket.socket | None = None
        try:
            self._server = _listen(path)
        except OSError as error:
            log.warning("edge-caption status can't ask this node (%s: %s)", path, error.strerror or error)
            return
        threading.Thread(target=self._serve, args=(self._server,), name="status", daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        if self._server:
            self._path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                self._server.shutdown(socket.SHUT_RDWR)
            self._server.close()

    def _serve(self, server: socket.socket) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                asker, _ = server.accept()
                self._answer(asker)

    def _answer(self, asker: socket.socket) -> None:
        with asker, contextlib.suppress(OSError):
            asker.settimeout(ANSWER_S)
            try:
                asker.sendall(encode(self._health()))
            except OutboxError as error:  # of a disk that refuses; the next asker may have more luck
                log.warning("edge-caption status gets no answer: %s", error)


def _listen(path: Path) -> socket.socket:
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise OSError(f"a socket's path has at most {LONGEST_PATH} bytes; choose a shorter --state-dir")
    path.unlink(missing_ok=True)  # of a node that was killed; the outbox's lock says that none runs
    server = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        server.bind(str(path))
    except OSError:
        server.close()
        raise
    finally:
        os.umask(before)
    server.listen()
    return server


def ask(path: Path) -> Health:
    """Return the health of the node that listens there.

    Raises:
        ConfigError: none runs, this user may not ask it, or it does not answer.
    """
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(ANSWER_S)
            client.connect(str(path))
            said = b"".join(iter(lambda: client.recv(TAKE), b""))
        if not said:
            raise ConfigError(f"the node at {path} can't tell how it does; see its log")
        return decode_json(said, Health)
    except PermissionError:
        raise ConfigError(f"this user may not ask the node at {path}; ask as the user who runs it") from None
    except TimeoutError:
        raise ConfigError(f"the node at {path} does not answer within {ANSWER_S:g} s; see its log") from None
    except (OSError, msgspec.DecodeError):
        raise ConfigError(
            f"no node runs at {path}; start edge-caption run, or give its --state-dir and --node"
        ) from None
