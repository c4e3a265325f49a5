"""Which node this is, and where its state lies."""

from __future__ import annotations

import re
import socket
from pathlib import Path

from edge_caption.errors import ConfigError, OutboxError
from edge_caption.files import write_whole
from edge_caption.mqtt.topics import check_name
from edge_caption.text import read_text


def node_name(given: str | None, state_dir: Path) -> str:
    """Return the node's name: the given one, or the one that this state directory has had since its first use.

    Raises:
        ConfigError: the stored name was changed into one that cannot be used.
        OutboxError: the directory cannot be read or written.
    """
    if known := given or stored_name(state_dir):
        return known
    # A host may be renamed later; its captions must not change their topics for that.
    name = re.sub(r"[^a-zA-Z0-9_-]+", "-", socket.gethostname().split(".")[0]).strip("-") or "node"
    try:
        write_whole(_file(state_dir), f"{name}\n".encode())
    except OSError as error:
        raise _unusable(state_dir, error) from None
    return name


def stored_name(state_dir: Path) -> str | None:
    """Return the name of the node that has used this state directory, or None.

    Raises:
        ConfigError: it was changed into one that cannot be used.
        OutboxError: the directory cannot be read.
    """
    file = _file(state_dir)
    try:
        return check_name(read_text(file).strip(), f"the node's name in {file}") if file.exists() else None
    except OSError as error:
        raise _unusable(state_dir, error) from None
    except UnicodeError as error:
        raise ConfigError(f"{file} {error}, or remove it") from None


def _file(state_dir: Path) -> Path:
    return state_dir / "node-name"


def _unusable(state_dir: Path, error: OSError) -> OutboxError:
    return OutboxError(f"state cannot be kept in {state_dir}: {error.strerror}; choose another --state-dir")


def outbox_path(state_dir: Path, node: str) -> Path:
    """Return the outbox's file; each node has its own, so that its sequence has no gaps."""
    return state_dir / "nodes" / node / "outbox.db"
