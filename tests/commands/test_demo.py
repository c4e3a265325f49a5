from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge_caption.commands.cli import main
from edge_caption.mqtt.broker import EmbeddedBroker, port_is_free
from tests.brokers import Listener, wait_for
from tests.cameras.test_files import write_panned_film

pytest.importorskip("amqtt", reason="the embedded broker is an extra")

Started = subprocess.Popen[str]


@pytest.fixture
def demo(tiny_bundle: Path) -> Iterator[Callable[..., Started]]:
    started: list[Started] = []

    def start(*arguments: object) -> Started:
        command = [sys.executable, "-m", "edge_caption", "demo", "--bundle", tiny_bundle, *arguments]
        started.append(
            subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def port_of(process: Started) -> int:
    assert process.stderr
    while line := process.stderr.readline():
        if found := re.search(r"mosquitto_sub -h 127\.0\.0\.1 -p (\d+) -t 'edge_caption/#' -v", line):
            return int(found[1])
    pytest.fail("the demo does not say how to subscribe")


def test_it_says_how_to_subscribe_and_a_subscriber_sees_the_captions(demo: Callable[..., Started]) -> None:
    process = demo("--fps", 10)
    port = port_of(process)
    wait_for(lambda: not port_is_free(port))
    listener = Listener(port)
    wait_for(lambda: len(listener.events()) > 3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    listener.close()
    assert process.returncode == 0
    assert "Traceback" not in err
    printed = [line.split("  ")[2] for line in out.splitlines()]
    assert all(event["caption"] in printed for event in listener.events())


def test_it_ends_after_so_many_captions(demo: Callable[..., Started]) -> None:
    process = demo("--captions", 3, "--fps", 10, "--seconds", 1e12)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, len(out.splitlines())) == (0, 3)
    assert "Traceback" not in err


def test_a_signal_while_it_starts_leaves_no_folder(tiny_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "temporary").mkdir()
    command = [sys.executable, "-c", PROGRAM, "demo", "--bundle", str(tiny_bundle)]
    environment = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    assert subprocess.run(command, env=environment, capture_output=True, check=False, timeout=60).returncode == 0
    assert not list((tmp_path / "temporary").iterdir())


PROGRAM = """
import signal, sys
from edge_caption.commands.cli import main
class Finder:
    def find_spec(name, *_):
        if name == "edge_caption.model.captioner":
            signal.raise_signal(signal.SIGTERM)
sys.meta_path.insert(0, Finder)
sys.exit(main())
"""


def test_the_help_tells_its_own_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["demo", "--help"])
    told = capsys.readouterr().out
    assert "captions a second at most (default: 2)" in told
    assert "this device (default: demo)" in told


def test_it_ends_after_so_many_seconds_and_takes_another_source(demo: Callable[..., Started], tmp_path: Path) -> None:
    process = demo("--seconds", 4, "--source", write_panned_film(tmp_path / "film.mp4", 10))
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert out


def test_it_takes_another_port_when_1883_is_taken(demo: Callable[..., Started]) -> None:
    broker = EmbeddedBroker(1883) if port_is_free(1883) else None
    try:
        port = port_of(demo("--captions", 1))
        assert port != 1883
    finally:
        if broker:
            broker.close()
