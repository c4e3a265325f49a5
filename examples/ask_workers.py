"""Have photos captioned by `edge-caption worker`s: python ask_workers.py HOST PORT PHOTO….

A worker that is killed may take photos with it. So a photo without an answer is sent again, with the same correlation
data, and an answer that comes twice is dropped.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import uuid

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

TOPIC = "edge_caption/work"
PATIENCE_S = 5.0


class Asker:
    """Sends photos, and knows which of them have no answer yet."""

    def __init__(self, host: str, port: int) -> None:
        self.waiting: dict[bytes, str] = {}
        self._answers = f"{TOPIC}/answer/{uuid.uuid4().hex}"
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.on_connect = lambda client, *_: client.subscribe(self._answers, qos=1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._take
        self._subscribed = threading.Event()
        self._client.connect(host, port)
        self._client.loop_start()
        self._subscribed.wait(PATIENCE_S)

    def ask(self, photo: str, key: bytes) -> None:
        """Send a photo; `key` recognises the answer."""
        self.waiting[key] = photo
        self._send(photo, key)

    def ask_again(self) -> None:
        """Send every photo that has no answer yet."""
        for key, photo in list(self.waiting.items()):
            self._send(photo, key)

    def _send(self, photo: str, key: bytes) -> None:
        properties = Properties(PacketTypes.PUBLISH)
        properties.ResponseTopic = self._answers
        properties.CorrelationData = key
        properties.UserProperty = [("file", photo)]
        properties.MessageExpiryInterval = 60
        with open(photo, "rb") as file:  # noqa: PTH123
            self._client.publish(TOPIC, file.read(), qos=1, properties=properties).wait_for_publish(PATIENCE_S)

    def _take(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        if self.waiting.pop(message.properties.CorrelationData, None) is None:
            return  # a second answer
        answer = json.loads(message.payload)
        said = answer["data"]["caption"] if answer["status"] == "ok" else f"error: {answer['error']}"
        print(f"{answer['file']}: {said}", flush=True)


def main(host: str, port: str, *photos: str) -> None:
    """Print a sentence for each photo, in the order of the answers."""
    asker = Asker(host, int(port))
    for photo in photos:
        asker.ask(photo, uuid.uuid4().bytes)
    asked_at = time.monotonic()
    while asker.waiting:
        time.sleep(0.05)
        if time.monotonic() - asked_at > PATIENCE_S:
            asker.ask_again()
            asked_at = time.monotonic()


if __name__ == "__main__":
    main(*sys.argv[1:])
