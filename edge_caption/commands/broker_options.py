"""The options that name the broker and how to log in, the same in every command that connects."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import msgspec

from edge_caption.commands.values import checked, path

if TYPE_CHECKING:
    from edge_caption.mqtt.settings import MqttSettings


def add_broker_options(parser: argparse.ArgumentParser, broker: str = "(default: mqtt://localhost:1883)") -> None:
    """Add them; the help tells what --broker is for, or its default."""
    from edge_caption.mqtt.address import SHAPE, Address

    group = parser.add_argument_group("broker")
    group.add_argument(
        "--broker",
        type=checked(Address.parse),
        metavar="URL",
        help=f"{SHAPE} {broker}" if broker.startswith("(") else f"{broker}; {SHAPE}",
    )
    group.add_argument("--protocol", choices=("5", "3.1.1"), help="MQTT version (default: 5; embedded: 3.1.1)")
    group.add_argument(
        "--password-file",
        type=path,
        metavar="FILE",
        help="the broker's password; EDGE_CAPTION_MQTT_PASSWORD in the environment and the systemd credential "
        "mqtt-password work too",
    )
    group.add_argument("--ca-file", type=path, metavar="FILE", help="with mqtts://: certificates to trust")
    group.add_argument("--cert-file", type=path, metavar="FILE", help="with mqtts://: this device's certificate")
    group.add_argument("--key-file", type=path, metavar="FILE", help="its key (default: in the same file)")


def broker_options(args: argparse.Namespace) -> dict[str, object]:
    """Return the options in the settings' shape; None where one was not given."""
    return {
        "broker": args.broker,
        "protocol": args.protocol,
        "password_file": args.password_file,
        "ca_file": args.ca_file,
        "cert_file": args.cert_file,
        "key_file": args.key_file,
    }


def broker_settings(args: argparse.Namespace) -> MqttSettings:
    """Return the options as settings, with the password in them.

    Raises:
        ConfigError: two of them don't fit together, or a file can't be read.
    """
    from edge_caption.mqtt.settings import MqttSettings, checked

    given = {key: value for key, value in broker_options(args).items() if value is not None}
    return checked(msgspec.structs.replace(MqttSettings(), **given))


def add_topic_option(parser: argparse.ArgumentParser) -> None:
    """Add --topic, where workers take photos."""
    from edge_caption.mqtt.settings import WORK_TOPIC
    from edge_caption.mqtt.topics import check_topic

    parser.add_argument(
        "--topic",
        type=checked(lambda text: check_topic(text, "--topic")),
        default=WORK_TOPIC,
        metavar="TOPIC",
        help="where workers take photos (default: %(default)s)",
    )
