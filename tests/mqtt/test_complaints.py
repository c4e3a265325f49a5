from __future__ import annotations

from pathlib import Path

import pytest
from paho.mqtt.client import Client as Paho
from paho.mqtt.client import MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge_caption.mqtt import complaints, delivery
from edge_caption.mqtt.commands import Commands
from edge_caption.outbox import Outbox
from tests.brokers import wait_for
from tests.mqtt.conftest import TOPICS, RunBroker, Start, commit, outbox, run_broker, start

__all__ = ["outbox", "run_broker", "start"]


def test_topics_that_others_choose_fill_neither_memory_nor_log(
    run_broker: RunBroker,
    start: Start,
    outbox: Outbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for module in (complaints, delivery):
        monkeypatch.setattr(module, "MOST_TOPICS", 5)
    rules = tmp_path / "rules"
    rules.write_text("topic readwrite edge_caption/#\n")
    rules.chmod(0o644)
    broker = run_broker("allow_anonymous true", f"acl_file {rules}")
    client = start(broker.url)
    Commands(client, TOPICS, None, [], lambda: None)  # type: ignore[arg-type]
    wait_for(lambda: f"{TOPICS.root}/bridge/request/+ (QoS 1)" in broker.log())
    asker = Paho(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    asker.connect("127.0.0.1", broker.port)
    asker.loop_start()
    for number in range(20):
        wishes = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        wishes.ResponseTopic = f"elsewhere/{number}"
        asker.publish(f"{TOPICS.root}/bridge/request/none", b"", 1, properties=wishes).wait_for_publish(5)
    wait_for(lambda: broker.log().count("Denied PUBLISH") >= 20)
    asker.disconnect()
    asker.loop_stop()
    commit(outbox)
    client.notice()
    wait_for(lambda: outbox.depth == 0)
    assert caplog.text.count("the broker rejects elsewhere/") == 5
    assert len(client._delivery._parked) == 5
