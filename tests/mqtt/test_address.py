from __future__ import annotations

import pytest

from edge_caption.errors import ConfigError
from edge_caption.mqtt.address import Address


def test_parts_are_percent_decoded() -> None:
    address = Address.parse("mqtt://us%40er:p%2F%3A%23%25@host:1234")
    assert (address.username, address.password) == ("us@er", "p/:#%")
    assert (address.host, address.port, address.tls) == ("host", 1234, False)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mqtt://h", "mqtt://h:1883"),
        ("mqtts://h", "mqtts://h:8883"),
        ("mqtt://[::1]:7/", "mqtt://[::1]:7"),
        ("mqtt://me:hush@h", "mqtt://h:1883"),
        ("embedded", "embedded (127.0.0.1:1883)"),
        ("embedded:1999", "embedded (127.0.0.1:1999)"),
    ],
)
def test_an_address_is_shown_without_its_login(text: str, shown: str) -> None:
    assert str(Address.parse(text)) == shown
    assert "hush" not in repr(Address.parse(text))


@pytest.mark.parametrize("host", ["a..b", "a b", "a" * 70 + ".com"])
def test_a_host_that_cannot_be_is_refused_as_such(host: str) -> None:
    with pytest.raises(ConfigError, match="a host has no spaces, and 1 to 63 characters between its dots"):
        Address.parse(f"mqtt://{host}:1883")


def test_a_password_needs_a_user() -> None:
    with pytest.raises(ConfigError, match="a password needs a user name"):
        Address.parse("mqtt://:hush@host")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "localhost:1883",
        "me:hush@host:1883",
        "http://me:hush@host",
        "mqtt://",
        "mqtt://:1883",
        "mqtt://me:hush#x@host",
        "mqtt://me:hush/x@host",
        "mqtt://host:port",
        "mqtt://host:99999",
        "mqtt://host:0",
        "mqtt://host/topic",
        "mqtt://[::1",
        "embedded:0",
        "embedded:x",
    ],
)
def test_a_wrong_address_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ConfigError, match="the broker's address is wrong") as caught:
        Address.parse(text)
    assert "hush" not in str(caught.value)
