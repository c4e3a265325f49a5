"""Photos asked of workers while workers and broker are killed at random: every one must be answered."""

from __future__ import annotations

import random
import signal
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import wait
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.broker import Broker
from benchmarks.workers import start_worker
from edge_caption.errors import EdgeCaptionError
from edge_caption.images.photos import list_photos
from edge_caption.mqtt.address import Address
from edge_caption.mqtt.broker import HOST
from edge_caption.mqtt.settings import WORK_TOPIC, MqttSettings
from edge_caption.mqtt.work.asker import Asker

NAMES = ("one", "two", "three")
PATIENCE_S = 1.5
BETWEEN_S = 0.03
"""Between two photos."""

TRIES = 20
ANSWERED_S = 120.0

KILLED, STILL, BROKER = 0.03, 0.015, 0.007
"""How often, a photo, a worker is killed, one stands still and is killed then, and the broker is killed."""

STILL_S = 0.2


class _Workers:
    """Three workers, each started again after its death."""

    def __init__(self, broker: Broker, bundle: Path | None) -> None:
        self._port, self._bundle = broker.port, bundle
        self._running = {name: start_worker(broker.port, name, bundle) for name in NAMES}

    def close(self) -> None:
        """Kill them all."""
        for worker in self._running.values():
            worker.kill()
            worker.wait()

    def kill(self, name: str) -> None:
        """Kill one, and start it again."""
        self._running[name].kill()
        self._running[name].wait()
        self._running[name] = start_worker(self._port, name, self._bundle)

    def stop(self, name: str) -> None:
        """Let one stand still, so that photos wait with it."""
        self._running[name].send_signal(signal.SIGSTOP)


def measure(schedules: int, seed: int, asked: int, bundle: Path | None, photos: Path) -> dict[str, Any]:
    """Carry out random schedules, each by its own seed.

    Args:
        schedules: how many.
        seed: of the first.
        asked: photos of each.
        bundle: of the workers.
        photos: a folder of them.
    """
    data = [file.read_bytes() for file in list_photos(photos)]
    found = [_carry_out(random.Random(seed + number), asked, bundle, data) for number in range(schedules)]
    return {
        "schedules": schedules,
        "seed": seed,
        **{key: sum(one[key] for one in found) for key in found[0]},
    }


def _carry_out(chance: random.Random, asked: int, bundle: Path | None, photos: Sequence[bytes]) -> dict[str, int]:
    with tempfile.TemporaryDirectory(prefix="edge-caption-faults-") as root:
        broker = Broker(Path(root))
        mqtt = MqttSettings(broker=Address(HOST, broker.port))
        with (
            broker.serving(),
            closing(_Workers(broker, bundle)) as workers,
            closing(Asker(mqtt, "faults", WORK_TOPIC, PATIENCE_S)) as asker,
        ):
            faults = dict.fromkeys(("workers_killed", "brokers_killed"), 0)
            questions = []
            for number in range(asked):
                questions.append(asker.ask(photos[number % len(photos)], f"{number}", TRIES))
                time.sleep(BETWEEN_S)
                if happened := _harm(chance, broker, workers):
                    faults[happened] += 1
            wait(questions, ANSWERED_S)
            answered = sum(question.done() and not _failed(question.exception()) for question in questions)
            more = {"sent_again": asker.resent, "answered_twice": asker.duplicates}
            return {"asked": asked, "answered": answered, "lost": asked - answered, **faults, **more}


def _failed(error: BaseException | None) -> bool:
    return isinstance(error, EdgeCaptionError)


def _harm(chance: random.Random, broker: Broker, workers: _Workers) -> str | None:
    """Perhaps kill somebody; return what happened."""
    fate, name = chance.random(), chance.choice(NAMES)
    if fate < BROKER:
        broker.end(signal.SIGKILL)
        time.sleep(chance.random())
        broker.start()
        return "brokers_killed"
    if fate < BROKER + KILLED + STILL:
        if fate > BROKER + KILLED:
            workers.stop(name)
            time.sleep(STILL_S)
        workers.kill(name)
        return "workers_killed"
    return None
