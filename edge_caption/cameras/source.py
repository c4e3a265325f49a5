"""What the user calls a camera: an index, a device, a URL, a file, a folder or a pattern."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from edge_caption.errors import ConfigError

NAME = re.compile(r"[\w-]+")
"""Of a camera, before the = of its source."""

SCHEMES = ("rtsp", "rtsps", "rtmp", "http", "https", "udp", "tcp", "srt", "csi", "picamera")

PIPELINE = re.compile(r"gst:|.*\s!\s", re.DOTALL)
"""How a GStreamer pipeline begins, or shows itself."""


ELEMENT = re.compile(r"[A-Za-z][\w-]*", re.ASCII)
"""What an element of a GStreamer pipeline may be called."""


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
        self.scheme = _scheme_of(address)
        """`gst` for a GStreamer pipeline, `mqtt` for a topic, a URL's scheme, or empty for a device or a path."""
        if not self.scheme:
            _check_path(address)
        elif self.scheme == "mqtt":
            _check_topic(self.rest)
        elif self.scheme != "gst":
            _check_url(address, self.scheme)

    @property
    def rest(self) -> str:
        """A topic or a pipeline's text, secrets included."""
        return self.address.removeprefix(f"{self.scheme}:")

    def __str__(self) -> str:
        """Return what logs may show."""
        if self.scheme == "gst":
            # Properties may hold anything, a camera's URL among them, and a slip may put one where an element belongs.
            elements = (element.split()[0] for element in self.rest.split("!") if element.strip())
            return "gst:" + " ! ".join(name if ELEMENT.fullmatch(name) else "…" for name in elements)
        if self.scheme in ("", "mqtt"):
            return self.address
        parts = urlsplit(self.address)
        host = parts.netloc.rpartition("@")[2]
        # Queries hold tokens, and some recorders want rtsp://host/user=…_password=….sdp.
        return f"{parts.scheme}://{host}" + ("/…" if parts.path.strip("/") or parts.query else "")

    def __repr__(self) -> str:
        return f"Source({str(self)!r})"


def _scheme_of(address: str) -> str:
    if PIPELINE.match(address) and not _exists(address):
        return "gst"
    if address.startswith("mqtt:"):
        return "mqtt"
    scheme, separator, _ = address.partition("://")
    return scheme.lower() if separator else ""


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except OSError:  # too long for a path
        return False


def _check_topic(topic: str) -> None:
    if topic.startswith("//"):
        raise ConfigError("the source's topic is read from the node's own broker; write it as mqtt:garden/camera/jpeg")
    levels = topic.split("/")
    if not topic or "#" in "".join(levels[:-1]) or any(len(level) > 1 and set(level) & set("+#") for level in levels):
        raise ConfigError(
            "the source's topic is none; write it as mqtt:garden/camera/jpeg, + for any level, # at the end"
        )


def _check_url(address: str, scheme: str) -> None:
    if scheme not in SCHEMES:
        raise ConfigError(f"the source's URL is of no kind that is read; known are {', '.join(SCHEMES)}")
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        raise ConfigError("the source's URL is wrong; percent-encode / ? # @ in a user name or password") from None
    if not parts.hostname:
        raise ConfigError("the source's URL names no host")
    if scheme in ("csi", "picamera") and not parts.netloc.isdecimal():
        raise ConfigError(f"the source's URL lacks the camera's number; write it as {scheme}://0")
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
    if not sign or not NAME.fullmatch(name) or _exists(text):
        return None, Source(text)
    return name, Source(address)
