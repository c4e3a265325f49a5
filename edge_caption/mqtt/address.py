"""Where the broker is and how to log in."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from edge_caption.errors import ConfigError

PORTS = {"mqtt": 1883, "mqtts": 8883}
EMBEDDED_PORT = 1883
NO_USER = "a password needs a user name; write the broker as mqtt://USER@host"
SHAPE = "mqtt://user:password@host:port, mqtts://… or embedded"


class Address:
    """A broker's address; the password is in no representation of it."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        tls: bool = False,
        embedded: bool = False,
        username: str | None = None,
        password: str | None = None,
    ) -> None:
        """Take the parts, percent-decoded."""
        self.host = host
        self.port = port
        self.tls = tls
        self.embedded = embedded
        self.username = username
        self.password = password

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read what a user wrote.

        Raises:
            ConfigError: it is not a broker's address. The message does not repeat it: it may hold a password.
        """
        name, _, port = text.partition(":")
        if name == "embedded":
            return cls("127.0.0.1", _embedded_port(port), embedded=True)
        try:
            parts = urlsplit(text)
            host, given = parts.hostname, parts.port
        except ValueError:
            raise ConfigError(_wrong("its port must be a number and its password percent-encoded")) from None
        if parts.scheme not in PORTS:
            raise ConfigError(_wrong("it begins with neither mqtt:// nor mqtts://"))
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ConfigError(_wrong("nothing may follow the port; percent-encode / ? # @ in a password"))
        if not host or given == 0:
            raise ConfigError(_wrong("it names no host" if not host else "port 0 is no port"))
        if not _is_name(host):
            raise ConfigError(_wrong("a host has no spaces, and 1 to 63 characters between its dots"))
        if parts.password and not parts.username:
            raise ConfigError(NO_USER)
        return cls(
            host,
            given or PORTS[parts.scheme],
            tls=parts.scheme == "mqtts",
            username=_decoded(parts.username),
            password=_decoded(parts.password),
        )

    def with_password(self, password: str) -> Address:
        """Return the same address with this password.

        Raises:
            ConfigError: it has no user name.
        """
        if self.username is None:
            raise ConfigError(NO_USER)
        return Address(self.host, self.port, tls=self.tls, username=self.username, password=password)

    def __str__(self) -> str:
        """Return what logs may show: no user name, no password."""
        if self.embedded:
            return f"embedded ({self.host}:{self.port})"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"

    def __repr__(self) -> str:
        return f"Address({str(self)!r})"


def _wrong(why: str) -> str:
    return f"the broker's address is wrong: {why}; it looks like {SHAPE}"


def _is_name(host: str) -> bool:
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return not any(map(str.isspace, host))


def _embedded_port(text: str) -> int:
    if not text:
        return EMBEDDED_PORT
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise ConfigError(_wrong("after embedded: comes a port, 1-65535"))
    return int(text)


def _decoded(text: str | None) -> str | None:
    return None if not text else unquote(text)
