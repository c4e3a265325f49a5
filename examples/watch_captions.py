"""Print what all cameras see, each caption once: python watch_captions.py [HOST [PORT]].

An event may come twice (MQTT's "at least once"), and a node whose outbox was full has dropped the oldest. Each node
counts its captions and events without gaps, so both can be seen from the id.
"""

from __future__ import annotations

import json
import sys

import paho.mqtt.client as mqtt


class Sequences:
    """The last number of each node."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def check(self, record_id: str) -> tuple[bool, int]:
        """Return whether a record is new, and how many before it are missing."""
        node, _, number = record_id.rpartition(":")
        last = self._last.get(node, int(number) - 1)
        if int(number) <= last:
            return False, 0
        self._last[node] = int(number)
        return True, int(number) - last - 1


def show(payload: bytes, sequences: Sequences) -> None:
    """Print one event, unless it was printed before."""
    event = json.loads(payload)
    new, missing = sequences.check(event["id"])
    if missing:
        print(f"{event['node']}: {missing} events are missing", flush=True)
    if new:
        said = event.get("caption") or event.get("reason")
        print(f"{event['node']}/{event['camera']} {event['event_type']}: {said}", flush=True)


def main(host: str = "localhost", port: str = "1883") -> None:
    """Print events until Ctrl-C; what came while this program was away is delivered, for the session is kept."""
    sequences = Sequences()
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "watch-captions", clean_session=False)
    client.on_connect = lambda client, *_: client.subscribe("edge_caption/+/cam/+/event", qos=1)
    client.on_message = lambda client, userdata, message: show(message.payload, sequences)
    client.connect(host, int(port))
    client.loop_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
