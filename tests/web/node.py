"""A real node with a page, in a process of its own, and a client that sends exactly what it is told."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from edge_caption.mqtt.broker import free_port


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


def ask(
    url: str, path: str = "/", method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Send one request; the path goes out as it is, `..` and all."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def lines_until(process: subprocess.Popen[str], pattern: str) -> re.Match[str]:
    """Return the first match in what the process writes to standard error."""
    assert process.stderr
    seen = []
    while line := process.stderr.readline():
        seen.append(line)
        if found := re.search(pattern, line):
            return found
    raise AssertionError(f"{pattern} is not in {seen}")


@contextmanager
def started(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run the command line in a process, and end it."""
    command = [sys.executable, "-m", "edge_caption", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


@contextmanager
def page_of(bundle: Path, settings: Path, *arguments: object, listen: str = "127.0.0.1:0") -> Iterator[str]:
    """Run a node as a settings' file says; yields the page's address."""
    broker = ("--broker", f"mqtt://127.0.0.1:{free_port()}")
    given = ("run", "--bundle", bundle, "--config", settings, "--page", listen, *broker, *arguments)
    with started(*given) as process:
        yield lines_until(process, r"The page is at (\S+)")[1]


@contextmanager
def page(bundle: Path, photos: Path, state_dir: Path, *arguments: object, listen: str = "127.0.0.1:0") -> Iterator[str]:
    """Run a node with two cameras and a page; yields the page's address."""
    cameras = ("--source", f"porch={photos}", "--source", f"garden={photos}", "--loop", "--fps", 4)
    broker = ("--broker", f"mqtt://127.0.0.1:{free_port()}", "--state-dir", state_dir)
    with started("run", "--bundle", bundle, *cameras, *broker, "--page", listen, *arguments) as process:
        yield lines_until(process, r"The page is at (\S+)")[1]
