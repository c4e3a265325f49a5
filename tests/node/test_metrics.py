from __future__ import annotations

import urllib.request

import pytest

from edge_caption.bounds import ListenAddress
from edge_caption.errors import ConfigError
from edge_caption.mqtt.broker import free_port
from edge_caption.node.metrics import Metrics
from edge_caption.records import CameraHealth, Health, Percentiles

prometheus = pytest.importorskip("prometheus_client", reason="the extra metrics is not installed")

CAMERA = CameraHealth(
    online=True,
    fps=2.0,
    captions=7,
    silenced=0,
    latency_ms=None,
    age_ms=None,
    frames_dropped=4,
    reconnects=1,
    held={},
)
HEALTH = Health(
    node="pi", at=1.0, uptime_s=10.0, fps=2.0, captions=7, silenced=1, latency_ms=Percentiles(9.5, 12.0, 30.0),
    age_ms=None, frames_dropped=4, camera_reconnects=1, broker_reconnects=2, outbox_depth=3, outbox_rejected=0,
    outbox_dropped=0, rss_mb=100.0, cpu_percent=5.0, disk_free_mb=1.0, temperature_c=None, throttled=True, power_w=None,
    joules_per_caption=None, stages_ms={"encode": Percentiles(5.0, 6.5, 7.0)},
    cameras={"porch": CAMERA, 'the "hall"': CAMERA},
)  # fmt: skip


def test_prometheus_reads_the_health_of_node_and_cameras() -> None:
    from prometheus_client.parser import text_string_to_metric_families

    address = ListenAddress("127.0.0.1", free_port())
    metrics = Metrics(address, lambda: HEALTH)
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
            text = answer.read().decode()
    finally:
        metrics.close()
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["edge_caption_captions_total",] == 7
    assert samples["edge_caption_outbox_depth",] == 3
    assert samples["edge_caption_camera_captions_total", "porch"] == 7
    assert samples["edge_caption_camera_frames_dropped_total", "porch"] == 4
    assert samples["edge_caption_throttled",] == 1
    assert samples["edge_caption_camera_online", 'the "hall"'] == 1
    assert samples["edge_caption_latency_ms", "0.95"] == 12.0
    assert samples["edge_caption_stage_ms", "0.95", "encode"] == 6.5
    assert not any(name.startswith("edge_caption_temperature") for name, *_ in samples)


def test_a_port_that_is_taken_is_named() -> None:
    address = ListenAddress("127.0.0.1", free_port())
    metrics = Metrics(address, lambda: HEALTH)
    try:
        with pytest.raises(ConfigError, match=f"metrics can't be served on {address}"):
            Metrics(address, lambda: HEALTH)
    finally:
        metrics.close()


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("9090", "127.0.0.1", 9090), ("0.0.0.0:80", "0.0.0.0", 80), ("[::1]:81", "::1", 81), (":82", "127.0.0.1", 82)],
)
def test_a_server_listens_on_this_computer_unless_told(text: str, host: str, port: int) -> None:
    address = ListenAddress.parse(text)
    assert (address.host, address.port) == (host, port)


@pytest.mark.parametrize("text", ["", "x", "65536", "host:", "host:x", "٣"])
def test_what_is_no_place_to_listen_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is no place to listen"):
        ListenAddress.parse(text)
