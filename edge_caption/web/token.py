"""The token that lets a browser or program in from beyond this computer."""

from __future__ import annotations

import secrets
from pathlib import Path

from edge_caption.errors import ConfigError
from edge_caption.text import read_text

SHORTEST = 16
"""Characters. A generated one has 128 bits."""


def new_token() -> str:
    """Make one up."""
    return secrets.token_urlsafe(16)


def read_token(path: Path) -> str:
    """Read one from a file.

    Raises:
        ConfigError: the file can't be read, or what it holds is too short or can't stand in an address.
    """
    try:
        token = read_text(path).strip()
    except OSError as error:
        raise ConfigError(f"the token file {path} cannot be read: {error.strerror}") from None
    except UnicodeError as error:
        raise ConfigError(f"the token file {path} {error}") from None
    if len(token) < SHORTEST or not token.isascii() or not token.replace("-", "").replace("_", "").isalnum():
        raise ConfigError(
            f"the token in {path} must be {SHORTEST} or more letters, digits, - and _;"
            " make one with: openssl rand -hex 16"
        )
    return token
