"""`python -m benchmarks http`: what HTTP adds to a caption, 32 clients, bad uploads."""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from edge_caption.demo.panning import PHOTOS
from edge_caption.errors import ConfigError
from edge_caption.images.header import SIZES
from edge_caption.images.photos import list_photos

CLIENTS = 32

HUGE = 0.01
"""The share of bad uploads that claim to be huge, which take a hundred times as long."""

TARGETS = ("/caption", "/v1/chat/completions", "/api/chat", "/api/generate")


def measure(bundle: Path | None, requests: int, bad: int) -> dict[str, Any]:
    """Serve a bundle and ask it."""
    named = ("--bundle", bundle) if bundle else ()
    with started(r"captioned at (\S+)caption", "serve", "--port", 0, *named) as (url, pid):
        return {
            "one_client": one_client(url, requests),
            "clients": many_clients(url),
            "bad_uploads": bad_uploads(url, pid, bad),
        }


@contextmanager
def started(pattern: str, *arguments: object) -> Iterator[tuple[str, int]]:
    """Run the command line; yields what the pattern finds in its log, and its process id.

    Raises:
        ConfigError: it ends before; its own sentence.
    """
    command = [sys.executable, "-m", "edge_caption", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    reader = threading.Thread(target=process.stderr.read, daemon=True)
    try:
        last = "it says nothing"
        for last in process.stderr:
            if found := re.search(pattern, last):
                break
        else:
            raise ConfigError(last.strip().removeprefix("edge-caption: error: "))
        reader.start()
        yield found[1], process.pid
    finally:
        process.terminate()
        process.wait(20)
        if reader.ident:
            reader.join(5)
        process.stderr.close()


class Client:
    """One connection, kept and opened again where the server closed it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)

    def close(self) -> None:
        """Close it."""
        self._connection.close()

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Return status and body; 0 where there was no answer."""
        try:
            self._connection.request(method, path, body)
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return 0, b""


def one_client(url: str, count: int) -> dict[str, float]:
    """Compare what a client waits with what the captioner itself took, request by request."""
    photos = [photo.read_bytes() for photo in list_photos(PHOTOS)]
    waited, own = [], []
    with closing(Client(url)) as client:
        for number in range(count):
            began = time.perf_counter()
            status, body = client.ask("POST", "/caption", photos[number % len(photos)])
            waited.append((time.perf_counter() - began) * 1000)
            assert status == 200, body
            own.append(sum(json.loads(body)["stages_ms"].values()))
    return {
        "http_p50_ms": share(waited, 0.5),
        "http_p99_ms": share(waited, 0.99),
        "captioner_p50_ms": share(own, 0.5),
        "captioner_p99_ms": share(own, 0.99),
        "p99_ratio": round(share(waited, 0.99) / share(own, 0.99), 3),
    }


def share(values: list[float], part: float) -> float:
    """Return a quantile."""
    return round(sorted(values)[min(int(len(values) * part), len(values) - 1)], 2)


def many_clients(url: str) -> dict[str, object]:
    """Let 32 clients ask at once, ten times each."""
    photo = list_photos(PHOTOS)[0].read_bytes()

    def work(_: int) -> list[int]:
        with closing(Client(url)) as client:
            return [client.ask("POST", "/caption", photo)[0] for _ in range(10)]

    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        statuses = Counter(status for found in pool.map(work, range(CLIENTS)) for status in found)
    rate = sum(statuses.values()) / (time.perf_counter() - began)
    return {"clients": CLIENTS, "captions_per_s": round(rate, 1), "statuses": by_name(statuses)}


def bad_uploads(url: str, pid: int, count: int) -> dict[str, object]:
    """Send broken photos and broken JSON; memory is measured after each tenth of them."""
    chance = random.Random(0)
    photos = [photo.read_bytes()[:60_000] for photo in list_photos(PHOTOS)]
    statuses: Counter[int] = Counter()
    resident: list[float] = []
    with closing(Client(url)) as client:
        for number in range(count):
            path = TARGETS[number % len(TARGETS)] if number % 2 else "/caption"
            statuses[client.ask("POST", path, spoilt(chance, photos))[0]] += 1
            if (number + 1) % max(1, count // 10) == 0:
                resident.append(round(resident_mb(pid), 1))
        assert client.ask("GET", "/api/version")[0] == 200
    growth = round(resident[-1] - resident[0], 1)
    return {"count": count, "statuses": by_name(statuses), "growth_mb": growth, "mb_after_each_tenth": resident}


def claim_size(jpeg: bytearray, height: int, width: int) -> bytes:
    """Return a JPEG that claims another size (ITU T.81, B.2.2): a decoder reserves memory for all of it."""
    position = 2
    while jpeg[position + 1] not in SIZES:
        position += 2 + struct.unpack_from(">H", jpeg, position + 2)[0]
    struct.pack_into(">HH", jpeg, position + 5, height, width)
    return bytes(jpeg)


def spoilt(chance: random.Random, photos: list[bytes]) -> bytes:
    """Return bytes that are no photo, or no longer quite one."""
    photo = bytearray(chance.choice(photos))
    if chance.random() < HUGE:
        return claim_size(photo, chance.randrange(300, 65_000), 500)
    match chance.randrange(4):
        case 0:
            return chance.randbytes(chance.randrange(2000))
        case 1:
            return bytes(photo[: chance.randrange(len(photo))])
        case 2:
            for _ in range(chance.randrange(1, 50)):
                photo[chance.randrange(len(photo))] = chance.randrange(256)
            return bytes(photo)
        case _:
            return json.dumps({"messages": [{"role": "user", "images": [chance.randbytes(20).hex()]}]}).encode()[
                : chance.randrange(80)
            ]


def cpu_share(pid: int, seconds: int) -> float:
    """Return a process's percent of one core."""
    began = cpu_s(pid)
    time.sleep(seconds)
    return round((cpu_s(pid) - began) / seconds * 100, 2)


def cpu_s(pid: int) -> float:
    """Return the processor time that a process took so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait(done: Callable[[], bool]) -> float:
    """Return the seconds until it is done."""
    began = time.perf_counter()
    while not done():
        time.sleep(0.01)
    return round(time.perf_counter() - began, 3)


def resident_mb(pid: int) -> float:
    """Return a process's resident memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def by_name(statuses: Counter[int]) -> dict[str, int]:
    """Return counts by status, as JSON keys."""
    return {str(status): count for status, count in sorted(statuses.items())}
