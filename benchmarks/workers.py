"""Photos a second by one, two, three … `edge-caption worker`s of one broker, against one."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.broker import Broker
from edge_caption.annotation.remote import IN_FLIGHT
from edge_caption.errors import ConfigError
from edge_caption.images.photos import list_photos
from edge_caption.mqtt.address import Address
from edge_caption.mqtt.broker import HOST
from edge_caption.mqtt.settings import WORK_TOPIC, MqttSettings
from edge_caption.mqtt.work.asker import Asker

START_S = 60.0


def measure(photos: Path, counts: Sequence[int], asked: int, rounds: int, bundle: Path | None) -> dict[str, Any]:
    """Let each number of workers take its turn, so that a busy machine is as busy for all.

    Args:
        photos: a folder; they are asked for in turn.
        counts: of workers, each with one thread.
        asked: photos a round.
        rounds: of each count.
        bundle: of the workers.
    """
    data = [file.read_bytes() for file in list_photos(photos)]
    rates: dict[int, list[float]] = {count: [] for count in counts}
    shares: dict[int, list[float]] = {count: [] for count in counts}
    for _ in range(rounds):
        for count in counts:
            with _serving(count, bundle) as asker:
                rate, by_worker = _ask(asker, data, asked)
            rates[count].append(rate)
            shares[count].append(max(by_worker.values()) / asked)
    median = {count: statistics.median(found) for count, found in rates.items()}
    return {
        "cores": len(os.sched_getaffinity(0)),
        "photos": asked,
        "rounds": rounds,
        "workers": [
            {
                "workers": count,
                "photos_per_s": round(median[count], 1),
                "against_one": round(median[count] / median[counts[0]], 3),
                "busiest_share": round(statistics.median(shares[count]), 3),
            }
            for count in counts
        ],
    }


@contextmanager
def _serving(count: int, bundle: Path | None) -> Iterator[Asker]:
    """Run a broker and workers, and wait until all of them answer."""
    with tempfile.TemporaryDirectory(prefix="edge-caption-workers-") as root:
        broker = Broker(Path(root))
        with broker.serving(), closing(_asker(broker)) as asker:
            workers = [start_worker(broker.port, f"worker-{number}", bundle) for number in range(count)]
            try:
                _warm_up(asker, count)
                yield asker
            finally:
                for worker in workers:
                    worker.terminate()
                for worker in workers:
                    worker.wait(30)


def _asker(broker: Broker) -> Asker:
    return Asker(MqttSettings(broker=Address(HOST, broker.port)), "benchmark", WORK_TOPIC)


def start_worker(port: int, name: str, bundle: Path | None) -> subprocess.Popen[bytes]:
    """Run `edge-caption worker` with one thread, on the broker at a port of this machine."""
    own = ["worker", "--broker", f"mqtt://{HOST}:{port}", "--threads", "1", "--name", name]
    chosen = ["--bundle", str(bundle)] if bundle else []
    return subprocess.Popen([sys.executable, "-m", "edge_caption", *own, *chosen], stderr=subprocess.DEVNULL)


def _warm_up(asker: Asker, count: int) -> None:
    """Ask what is no photo until every worker has said so.

    Raises:
        ConfigError: one does not.
    """
    heard: set[str] = set()
    until = time.monotonic() + START_S
    while len(heard) < count:
        if time.monotonic() > until:
            raise ConfigError("not all workers answer; run edge-caption worker by hand to see why")
        asked = [asker.ask(b"no photo", "-") for _ in range(count)]
        heard |= {one.result().worker for one in wait(asked, START_S).done if not one.exception()}


def _ask(asker: Asker, photos: Sequence[bytes], asked: int) -> tuple[float, Counter[str]]:
    """Return photos a second, and how many each worker did."""
    left = iter(range(asked))
    pending = {asker.ask(photos[n % len(photos)], f"{n}") for _, n in zip(range(IN_FLIGHT), left, strict=False)}
    by_worker: Counter[str] = Counter()
    began = time.perf_counter()
    while pending:
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        by_worker.update(future.result().worker for future in done)
        pending |= {asker.ask(photos[n % len(photos)], f"{n}") for _, n in zip(done, left, strict=False)}
    return asked / (time.perf_counter() - began), by_worker
