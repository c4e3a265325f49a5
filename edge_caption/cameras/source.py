"""What the user calls a camera: an index, a device, a URL, a file, a folder or a pattern."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from edge_caption.errors import ConfigError

NAME = re.compile(r"[\w-]+")
"""Of a camera, before the = of its source."""

SCHEMES = ("rtsp", "rtsps", "rtmp", "http", "https", "udp", "tcp", "srt")


class Source:
    """Where frames come from; a URL's login, path and query are in no representation of it."""

    def __init__(self, address: str) -> None:
        """Take what the user wrote.

        Raises:
            ConfigError: it is empty, a URL of a kind that is not read, or no path. The message does not repeat it: it
                may hold a password.
        """
        self.address = address
        """As written, secrets included: for the driver only."""
        if not address.strip() or "\0" in address:
            raise ConfigError("the source is empty; give a camera index, a URL, a file or a folder")
        if not self.scheme:
            _check_path(address)
        elif self.scheme not in SCHEMES:
            raise ConfigError(f"the source's URL is of no kind that is read; known are {', '.join(SCHEMES)}")
        else:
            _check_url(address)

    @property
    def scheme(self) -> str:
        """A URL's scheme, in lower case; empty for a device or a path."""
        scheme, separator, _ = self.address.partition("://")
        return scheme.lower() if separator else ""

    def __str__(self) -> str:
        """Return what logs may show."""
        if not self.scheme:
            return self.address
        parts = urlsplit(self.address)
        host = parts.netloc.rpartition("@")[2]
        # Queries hold tokens, and some recorders want rtsp://host/user=…_password=….sdp.
        return f"{parts.scheme}://{host}" + ("/…" if parts.path.strip("/") or parts.query else "")

    def __repr__(self) -> str:
        return f"Source({str(self)!r})"


def _check_url(address: str) -> None:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        raise ConfigError("the source's URL is wrong; percent-encode / ? # @ in a user name or password") from None
    if not parts.hostname:
        raise ConfigError("the source's URL names no host")
    # After a / ? # in the password, the rest of it would count as the path, and what is before as the host.
    if "@" in parts.path + parts.query + parts.fragment:
        raise ConfigError(
            "the source's URL has an @ after its host; percent-encode / ? # @ in a user name or password, "
            "and @ in what follows the host"
        )


def _check_path(address: str) -> None:
    try:
        path = Path(address).expanduser()
        path.stat()
    except RuntimeError:
        raise ConfigError("the source begins with ~, but there is no such home folder; write the whole path") from None
    except (FileNotFoundError, NotADirectoryError):
        # Of a path that is not there, the message says so and shows it.
        if _looks_like_url(address) and not Path(path.parts[0]).exists():
            raise ConfigError(
                "the source looks like a URL, but lacks its ://; write it as rtsp://user:password@host/path"
            ) from None
    except OSError as error:
        raise ConfigError(f"the source can't be read ({error.strerror}); check its path and rights") from None


def _looks_like_url(address: str) -> bool:
    head, colon, rest = address.partition(":")
    return bool(colon) and (head.lower() in SCHEMES or "@" in rest)


def named_source(text: str) -> tuple[str | None, Source]:
    """Read SOURCE or NAME=SOURCE; what is there under the whole text is a file whose name holds a =.

    Raises:
        ConfigError: it is no source.
    """
    name, sign, address = text.partition("=")
    if not sign or not NAME.fullmatch(name) or Path(text).exists():
        return None, Source(text)
    return name, Source(address)
