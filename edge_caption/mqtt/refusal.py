"""What brokers say instead of yes, as errors with a sentence for the user.

BrokenError               the connection has ended; another may do
├── UnexplainedError      the broker says nothing
├── TakenOverError        another client with the same name has connected
└── UnsupportedError      the broker lacks something that the will asks for
RefusedError              the broker does not let this client in, and would not the next time either
"""

from __future__ import annotations

import ssl

from paho.mqtt.reasoncodes import ReasonCode

from edge_caption.errors import ConfigError
from edge_caption.mqtt.tls import CLIENT_CERTIFICATE, explain

# MQTT 5, 2.4: what a broker may answer.
NO_SUBSCRIBERS = 16
UNSPECIFIED = 128
UNSUPPORTED_PROTOCOL = 132
NOT_AUTHORIZED = 135
TAKEN_OVER = 142
TOPIC_INVALID = 144
TOO_LARGE = 149
RETAIN_UNSUPPORTED = 154
QOS_UNSUPPORTED = 155
WAIT_AND_RETRY = frozenset({128, 131, 136, 137, 139, 151, 156, 157, 159})

CLOSED = "it closed the connection"
LACKING_BROKER = "; with MQTT 3.1.1 so does one that takes no retained messages or no QoS 1"
OLD_BROKER = "; an old broker may need --protocol 3.1.1"

LACKS = {RETAIN_UNSUPPORTED: "retain", QOS_UNSUPPORTED: "qos"}


class RefusedError(Exception):
    """The broker does not let this client in, and would not the next time either."""


class BrokenError(Exception):
    """The connection has ended."""

    explained = True
    """Whether it is known why: else another client of the same name may have connected."""


class TakenOverError(BrokenError):
    """Another client with the same name has connected."""

    explained = False

    def __init__(self) -> None:
        """There is nothing more to know."""
        super().__init__("another client with this name has connected")


class UnexplainedError(BrokenError):
    """The broker has closed the connection, and said nothing."""

    explained = False


class UnsupportedError(BrokenError):
    """The broker lacks what the will asks for: `retain` or `qos`."""

    def __init__(self, lacks: str) -> None:
        """Take the name of what it lacks."""
        super().__init__(f"it does not support {lacks}")
        self.lacks = lacks


def refused_login(reason: ReasonCode, broker: str, will_topic: str | None) -> Exception:
    """Return the error for a CONNACK that is no success."""
    if reason.value in LACKS:
        return UnsupportedError(LACKS[reason.value])
    if reason.value == UNSUPPORTED_PROTOCOL:
        return RefusedError(f"{broker} does not speak MQTT 5; run with --protocol 3.1.1")
    if reason.value in WAIT_AND_RETRY:
        return BrokenError(f"it does not take connections now: {reason}")
    return RefusedError(f"{broker} refused the login ({reason}); {_advice(reason.value, will_topic)}")


def closed(reason: ReasonCode | None) -> BrokenError:
    """Return the error for the end of a connection.

    Args:
        reason: of the broker's DISCONNECT, or what paho makes of an end without one.
    """
    if reason is None or reason.value == UNSPECIFIED:
        return UnexplainedError(CLOSED)
    if reason.value == TAKEN_OVER:
        return TakenOverError()
    if reason.value in LACKS:
        return UnsupportedError(LACKS[reason.value])
    return BrokenError(f"{CLOSED} ({reason})")


def unanswered_login(error: BrokenError, *, tls: bool, five: bool) -> BrokenError:
    """Return what an end before the CONNACK may mean, where the broker itself says nothing."""
    if str(error) != CLOSED:
        return error
    if tls:
        other = "or others, valid and of an authority that it knows"
        return BrokenError(f"{CLOSED} right after TLS was set up; perhaps {CLIENT_CERTIFICATE}, {other}")
    return BrokenError(f"{CLOSED} instead of answering the login{OLD_BROKER if five else LACKING_BROKER}")


def reason_of(error: Exception, *, tls: bool) -> str:
    """Return why there is no connection, as the log tells it."""
    if tls and isinstance(error, ssl.SSLError | ConnectionResetError):
        return explain(error)
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


def for_user(error: Exception) -> bool:
    """Tell whether the end of an outage needs somebody: a login, a certificate or a file is wrong."""
    return isinstance(error, RefusedError | ssl.SSLError | ConfigError)


def _advice(code: int, will_topic: str | None) -> str:
    if code == TOO_LARGE:
        return "raise the size of packets that it allows, or give prefix and node shorter names"
    if code == TOPIC_INVALID:
        return f"it does not want {will_topic} as a topic: choose another prefix or node"
    login = "check the user name and password"
    unwritable = code == NOT_AUTHORIZED and will_topic
    return f"{login}, and that this user may write {will_topic}" if unwritable else login
