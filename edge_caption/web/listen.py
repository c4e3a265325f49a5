"""Sockets that listen, and who reaches them."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket

from edge_caption.bounds import ListenAddress
from edge_caption.errors import ConfigError

EVERYWHERE = ("0.0.0.0", "::")


def is_local(host: str) -> bool:
    """Whether only programs on this computer reach what listens there."""
    address = ip_address(host)
    return address.is_loopback if address else host == "localhost"


def url(listen: ListenAddress, port: int) -> str:
    """Return the address to open, with the port that was bound."""
    host = _own_address() if listen.host in EVERYWHERE else listen.host
    return f"http://{ListenAddress(host, port)}/"


def bind(listen: ListenAddress) -> socket.socket:
    """Return a socket that listens.

    Raises:
        ConfigError: another program has the port, this user may not have it, or the host is not this computer's.
    """
    try:
        family, *_, address = socket.getaddrinfo(listen.host, listen.port, type=socket.SOCK_STREAM)[0]
        listening = socket.create_server(address[:2], family=family, backlog=128)
        # Connections inherit it. asyncio's own attempt misses such sockets, and Nagle costs each answer 40 ms.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except (socket.gaierror, UnicodeError):
        raise ConfigError(f"the host {listen.host} is unknown; listen on localhost or 0.0.0.0") from None
    except OSError as error:
        raise ConfigError(_explain(error, listen)) from None


def _explain(error: OSError, listen: ListenAddress) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {listen.port} is taken by another program; choose another port"
        case errno.EACCES:
            return f"this user may not listen on port {listen.port}; choose one from 1024 on"
        case _:
            # Python adds the address to what it says itself.
            return f"{listen} can't be listened on ({os.strerror(error.errno or 0)}); choose this computer's host"


def ip_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that a host is written as, or None where it is a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _own_address() -> str:
    """Return the address that others on the network reach this computer by, or else its name."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Of a datagram socket this sends nothing; the address is reserved for documentation (RFC 5737).
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()
