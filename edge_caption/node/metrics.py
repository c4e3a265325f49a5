"""Health as Prometheus metrics, for those who ask over HTTP; the extra `metrics` brings prometheus-client."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from edge_caption.bounds import ListenAddress
from edge_caption.errors import ConfigError
from edge_caption.records import Health, Percentiles

PREFIX = "edge_caption"

COUNTERS = {
    "captions": "Captions published",
    "silenced": "Captions that a gate held back",
    "frames_dropped": "Frames replaced by a newer one",
    "outbox_dropped": "Messages lost because the outbox was full",
    "broker_reconnects": "Connections to the broker after the first",
}
GAUGES = {
    "uptime_s": "Seconds since the start",
    "outbox_depth": "Messages that wait for the broker",
    "outbox_rejected": "Messages that the broker rejected",
    "rss_mb": "Resident memory in megabytes",
    "cpu_percent": "Processor time in percent of a core",
    "disk_free_mb": "Free megabytes where captions wait",
    "temperature_c": "Temperature of the hottest zone",
    "throttled": "Whether the board slows down now",
    "power_w": "Power of the board or processor",
    "cpu_share_allowed": "Share of all cores that [budget] allows now",
    "joules_per_caption": "Energy of a caption",
}
CAMERA_GAUGES = {"fps": "Captions a second", "online": "Whether the camera gives frames"}
CAMERA_COUNTERS = {
    "captions": "Captions published",
    "frames_dropped": "Frames replaced by a newer one",
    "reconnects": "How often the camera was opened again",
}
TIMES = {"latency_ms": "Milliseconds in the captioner", "age_ms": "Milliseconds from the frame to the disk"}


class Metrics:
    """A server that answers with the node's health."""

    def __init__(self, address: ListenAddress, health: Callable[[], Health]) -> None:
        """Listen.

        Raises:
            ConfigError: prometheus-client is not installed, or the address is taken.
        """
        try:
            from prometheus_client import CollectorRegistry, start_http_server
        except ImportError:
            raise ConfigError("metrics need prometheus-client; run: pip install 'edge-caption[metrics]'") from None
        registry = CollectorRegistry()
        registry.register(_Collector(health))
        try:
            self._server, self._thread = start_http_server(address.port, address.host, registry)
        except OSError as error:
            raise ConfigError(f"metrics can't be served on {address} ({error.strerror}); choose another") from None

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Collector:
    def __init__(self, health: Callable[[], Health]) -> None:
        self._health = health

    def describe(self) -> list[Any]:
        return []  # nothing is collected at the registration, when no camera runs yet

    def collect(self) -> Iterator[Any]:
        health = self._health()
        yield from _families(COUNTERS, GAUGES, {"": health})
        yield from _families(CAMERA_COUNTERS, CAMERA_GAUGES, health.cameras, "camera_")
        for name, about in TIMES.items():
            yield _percentiles(f"{PREFIX}_{name}", about, {"": getattr(health, name)})
        yield _percentiles(
            f"{PREFIX}_stage_ms", "Milliseconds in each stage of the captioner", health.stages_ms, "stage"
        )


def _families(
    counters: dict[str, str], gauges: dict[str, str], sources: dict[str, Any], infix: str = ""
) -> Iterator[Any]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    labels = ["camera"] if infix else []
    for kind, names in ((CounterMetricFamily, counters), (GaugeMetricFamily, gauges)):
        for name, about in names.items():
            family = kind(f"{PREFIX}_{infix}{name}", about, labels=labels)
            for label, source in sources.items():
                if (value := getattr(source, name)) is not None:
                    family.add_metric([label] if infix else [], float(value))
            yield family


def _percentiles(name: str, about: str, sources: Mapping[str, Percentiles | None], label: str = "") -> Any:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(name, about, labels=["quantile", *([label] if label else [])])
    for source, found in sources.items():
        for quantile, value in (("0.5", found.p50), ("0.95", found.p95), ("1", found.max)) if found else ():
            family.add_metric([quantile, *([source] if label else [])], value)
    return family
