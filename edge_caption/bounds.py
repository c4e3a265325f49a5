"""Values within bounds, as settings and manifests hold them."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

from edge_caption.errors import ConfigError

MOST = 1e9
"""Of seconds it is 30 years; what is infinite or nearly so makes timers and divisions fail much later."""

Positive = Annotated[float, msgspec.Meta(gt=0, le=MOST)]
NotNegative = Annotated[float, msgspec.Meta(ge=0, le=MOST)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]

Point: TypeAlias = tuple[Share, Share]
"""Shares of the picture's width and height, from its left top."""

Polygon: TypeAlias = Annotated[tuple[Point, ...], msgspec.Meta(min_length=3)]

Polygons: TypeAlias = tuple[Polygon, ...]

Region: TypeAlias = tuple[Share, Share, Share, Share]
"""Left, top, right, bottom."""

LOCALHOST = "127.0.0.1"


class ListenAddress:
    """Where a server of this program listens: on this computer alone, unless the user names another address.

    Port 0 is any free one.
    """

    def __init__(self, host: str, port: int) -> None:
        """Take a host name or an address, and a port."""
        self.host, self.port = host, port

    @classmethod
    def parse(cls, text: str) -> ListenAddress:
        """Read PORT or HOST:PORT; an IPv6 address stands in brackets.

        Raises:
            ConfigError: it is neither.
        """
        host, _, port = text.rpartition(":")
        if not (port.isascii() and port.isdecimal() and int(port) < 65536):
            raise ConfigError(f"{text!r} is no place to listen; write a port (9090), or an address and a port")
        return cls(host.strip("[]") or LOCALHOST, int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
