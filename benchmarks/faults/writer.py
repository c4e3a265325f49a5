"""The process that is killed: outbox and connection of the product, with captions made up in place of a camera.

    python -m benchmarks.faults.writer FOLDER PORT CAPTIONS DEATH

Each caption's sequence is printed as soon as the outbox has promised to keep it. DEATH says where the process kills
itself.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

from benchmarks.faults.node import WAITS
from edge_caption.errors import OutboxError
from edge_caption.mqtt import client as client_file
from edge_caption.mqtt.address import Address
from edge_caption.mqtt.broker import HOST
from edge_caption.mqtt.client import Client
from edge_caption.mqtt.settings import MqttSettings
from edge_caption.mqtt.topics import Topics
from edge_caption.outbox import Outbox

DEATHS = ("never", "before delete", "after delete", "after commit")

CHANCE = 1 / 15
"""Of dying at each opportunity."""

PAUSE_S = 0.002
"""Between captions, on average."""

DRAIN_S = 20.0

T = TypeVar("T")


class Mortal(Outbox):
    """An outbox in whose midst the process may be killed."""

    death = "never"

    def delete(self, sequences: Collection[int]) -> None:
        """Forget what the broker has; the process may end before or after."""
        self.die("before delete")
        super().delete(sequences)
        self.die("after delete")

    def die(self, where: str) -> None:
        """End at once, now and then."""
        if self.death == where and random.random() < CHANCE:
            os.kill(os.getpid(), signal.SIGKILL)


def main(folder: str, port: str, captions: str, death: str) -> None:
    """Commit captions; then wait until the broker has all of them."""
    vars(client_file).update(WAITS)
    outbox = _when_there_is_room(lambda: Mortal(Path(folder) / "outbox.db"))
    outbox.death = death
    topics = Topics("edge_caption", "pi")
    client = Client(MqttSettings(broker=Address(HOST, int(port))), topics, outbox)
    for _ in range(int(captions)):
        message = _when_there_is_room(lambda: outbox.commit("cam/porch/event", _payload))
        # In one piece: print() may be killed between the number and the end of the line.
        os.write(1, b"%d\n" % message.sequence)
        outbox.die("after commit")
        client.notice()
        client.retain(topics.caption("porch"), message.payload)
        time.sleep(random.uniform(0, 2 * PAUSE_S))
    until = time.monotonic() + DRAIN_S
    while outbox.depth and time.monotonic() < until:
        time.sleep(0.01)
    client.stop(1.0)
    outbox.close()


def _payload(sequence: int) -> bytes:
    return b'{"id":"pi:%d"}' % sequence


def _when_there_is_room(write: Callable[[], T]) -> T:
    """Try again until the disk takes it."""
    done = None
    while done is None:
        with contextlib.suppress(OutboxError):
            done = write()
        time.sleep(0.01 if done is None else 0)
    return done


if __name__ == "__main__":
    main(*sys.argv[1:])
