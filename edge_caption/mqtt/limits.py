"""What a broker takes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edge_caption.mqtt.publication import Publication


@dataclass(frozen=True)
class Limits:
    """What a broker takes (MQTT 5, 3.2.2.3). Brokers that speak 3.1.1 don't tell theirs."""

    receive_maximum: int = 65_535
    """Publications without an answer."""

    maximum_packet: int = 268_435_460
    """Bytes."""

    retain: bool = True

    qos: int = 2

    wildcards: bool = True
    """Whether a subscription may have `+` and `#` in it."""

    shared: bool = True
    """Whether several clients may share a subscription."""

    def lack(self, topic_filter: str) -> str | None:
        """Return what the broker lacks for a subscription, None where nothing."""
        if topic_filter.startswith("$share/") and not self.shared:
            return "shared subscriptions"
        return "wildcard subscriptions" if {"+", "#"} & set(topic_filter) and not self.wildcards else None

    def fit(self, publication: Publication) -> Publication:
        """Return it without what the broker lacks."""
        return replace(publication, qos=min(publication.qos, self.qos), retain=publication.retain and self.retain)


def limits_of(properties: object) -> Limits:
    """Return what the properties of a CONNACK say; MQTT 3.1.1 has none."""
    default = Limits()
    return Limits(
        getattr(properties, "ReceiveMaximum", default.receive_maximum),
        getattr(properties, "MaximumPacketSize", default.maximum_packet),
        bool(getattr(properties, "RetainAvailable", default.retain)),
        getattr(properties, "MaximumQoS", default.qos),
        bool(getattr(properties, "WildcardSubscriptionAvailable", default.wildcards)),
        bool(getattr(properties, "SharedSubscriptionAvailable", default.shared)),
    )
