"""`edge-caption watch` on a real broker: lines in a pipe, a table on a terminal, and nothing that a terminal obeys."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.publish
import pytest

from edge_caption.commands.watch import rows, table
from edge_caption.mqtt.publication import Received
from edge_caption.mqtt.watching import fleet as fleets
from edge_caption.mqtt.watching.fleet import Fleet
from tests.brokers import Mosquitto, mosquitto, wait_for
from tests.conftest import ROOT
from tests.mqtt.conftest import RunBroker, run_broker

__all__ = ["mosquitto", "run_broker"]

EVIL = "\x1b]0;owned\x07\x1b[2Ja \u202edog [red]runs[/red]\n\r\x9b31m"


def event(number: int, caption: str | None = "a dog", **fields: object) -> dict[str, Any]:
    return {"id": f"pi:{number}", "event_type": "caption", "caption": caption, "captured_at": time.time(), **fields}


def message(topic: str, payload: object) -> Received:
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Received(f"edge_caption/{topic}", data)


def test_what_comes_twice_is_dropped_and_what_is_missing_is_counted() -> None:
    fleet = Fleet("edge_caption")
    said = [*((n, 1000.0 + n) for n in (4, 5, 5, 4, 9, 1)), (1, 2000.0), (1, 2000.0), (2, 2001.0)]
    events = [message("pi/cam/porch/event", event(number, captured_at=at)) for number, at in said]
    lines = [line for each in events for line in fleet.take(each)]
    assert lines == [
        "pi/porch caption: a dog",
        "pi/porch caption: a dog",
        "pi: 3 events are missing",
        "pi/porch caption: a dog",
        # Its state was deleted, so it counts anew.
        "pi/porch caption: a dog",
        "pi/porch caption: a dog",
    ]
    assert (fleet.nodes["pi"].missing, fleet.nodes["pi"].repeated) == (3, 4)


def test_a_visit_of_the_doctor_changes_no_state() -> None:
    fleet = Fleet("edge_caption")
    for said in (b"online", b"", b"online"):
        lines = [fleet.take(message(topic, said)) for topic in ("pi/status", "pi/cam/porch/status")]
        assert (fleet.nodes["pi"].state, fleet.nodes["pi"].cameras["porch"].state) == ("online", "online")
    assert lines == [[], []]


def test_a_table_tells_of_nodes_and_cameras() -> None:
    fleet = Fleet("edge_caption")
    fleet.take(message("pi/status", b"online"))
    fleet.take(message("pi/health", {"fps": 1.25, "outbox_depth": 1200, "temperature_c": 61.4, "throttled": True}))
    fleet.take(message("pi/cam/porch/status", b"online"))
    fleet.take(message("pi/cam/porch/caption", event(3, "a dog runs", confidence=0.5, captured_at=100.0)))
    fleet.take(message("pi/cam/porch/event", event(2, "backlog", captured_at=50.0)))
    fleet.take(message("pi/cam/yard/event", event(4, event_type="camera_lost", caption=None, reason="it is gone")))
    first, second, third = rows(fleet, 160.0)
    assert first == ("pi", "", "online", "", "1.2 captions a second, 1,200 wait, 61 °C, throttled, 1 missing")
    assert second == ("", "porch", "online", "60 s", "a dog runs (50%)")
    assert (third[1], third[4]) == ("yard", "camera_lost: it is gone")


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xff\xfe", b"null", b"[]", b'{"id": 5}', b'{"id": "pi"}', b'{"caption": ["a"], "id": "pi:1"}', b"{" * 5000]
    + [b'{"id": "pi:%s"}' % number for number in (b"-1", b"9" * 20, b"9" * 4300, b"9" * 5000)]
    + [b'{"id": "pi:1", "x": %s}' % (b"[" * 100_000 + b"]" * 100_000)],
)
def test_what_is_no_record_is_left_out(payload: bytes) -> None:
    fleet = Fleet("edge_caption")
    assert fleet.take(message("pi/cam/porch/event", payload)) == []
    assert fleet.unread == 1


def test_strangers_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleets, "MOST_NODES", 3)
    monkeypatch.setattr(fleets, "MOST_CAMERAS", 4)
    fleet, said = Fleet("edge_caption"), []
    for number in range(10):
        said += fleet.take(message(f"node-{number}/status", b"online"))
        for node in (0, 1):
            said += fleet.take(message(f"node-{node}/cam/{number}/status", b"x" * 5000))
    assert [len(view.cameras) for view in fleet.nodes.values()] == [2, 2, 0]
    assert fleet.left_out == 7 + 16
    assert [line for line in said if "left out" in line] == [
        "there are more than 3 nodes or 4 cameras; the others are left out"
    ]
    assert len(fleet.nodes["node-0"].cameras["0"].state) == fleets.LONGEST
    fleet.take(message("node-0/cam/0/event", event(1, "x" * 100_000, reason="y" * 100_000)))
    last = fleet.nodes["node-0"].cameras["0"].last
    assert (last.caption, last.reason) == ("x" * fleets.LONGEST, "y" * fleets.LONGEST)


@pytest.mark.parametrize("topic", ["{}/status", "pi/cam/{}/status"])
def test_a_name_without_end_is_left_out(topic: str) -> None:
    fleet = Fleet("edge_caption")
    fleet.take(message(topic.format("x" * 60_000), b"online"))
    assert (fleet.left_out, fleet.cameras, sum(map(len, fleet.nodes))) == (1, 0, len("pi") if "pi" in topic else 0)


def test_the_table_is_no_longer_than_the_terminal_and_tells_what_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rich", reason="the extra watch is not installed")
    monkeypatch.setattr(fleets, "MOST_NODES", 20)
    fleet = Fleet("edge_caption")
    for number in range(25):
        fleet.take(message(f"node-{number}/status", b"online"))
        fleet.take(message(f"node-{number}/cam/porch/status", b"online"))
    shown = table(fleet, "mqtt://hub", 6)
    assert shown.row_count == 6
    assert str(shown.title) == (
        "mqtt://hub: 20 nodes, 34 rows more than fit here (--lines shows all), "
        "10 messages of further nodes and cameras left out"
    )
    assert str(table(fleet, "mqtt://hub", 40).title).startswith("mqtt://hub: 20 nodes, 10 messages")


def publish(broker: Mosquitto, topic: str, payload: object, *, retain: bool = False) -> None:
    data = payload if isinstance(payload, str) else json.dumps(payload)
    paho.mqtt.publish.single(f"edge_caption/{topic}", data, 1, retain, "localhost", broker.port)


def command(broker: Mosquitto, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "edge_caption", "watch", "--broker", broker.url, *arguments]


def test_lines_come_where_the_output_is_no_terminal(mosquitto: Mosquitto, tmp_path: Path) -> None:
    publish(mosquitto, "pi/status", "online", retain=True)
    printed = tmp_path / "printed"
    with printed.open("w") as output:
        watch = subprocess.Popen(command(mosquitto), cwd=ROOT, stdout=output, stderr=subprocess.PIPE)
    wait_for(lambda: mosquitto.log().count("Sending SUBACK to watch") == 5)
    for number in (1, 1, 3):
        publish(mosquitto, "pi/cam/porch/event", event(number, EVIL))
    wait_for(lambda: printed.read_text().count("caption:") == 2)
    mosquitto.stop(signal.SIGKILL)
    mosquitto.start()
    wait_for(lambda: mosquitto.log().count("Sending SUBACK to watch") == 2 * 5)
    publish(mosquitto, "pi/cam/porch/event", event(4))
    wait_for(lambda: "a dog\n" in printed.read_text())
    watch.terminate()
    _, said = watch.communicate(timeout=20)
    assert watch.returncode == 0, said
    text = printed.read_text()
    assert text.count("pi is online") == 1
    assert "pi: 1 events are missing" in text
    assert r"pi/porch caption: \u001b]0;owned\u0007\u001b[2Ja \u202edog [red]runs[/red]\u000a\u000d\u009b31m" in text
    assert not set(text) & set("\x1b\x07\u202e\x9b\r")
    assert b"is not reachable" in said


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    here, there = pty.openpty()
    yield here, there
    for end in (here, there):
        with contextlib.suppress(OSError):
            os.close(end)


def test_a_table_stands_on_a_terminal_and_obeys_no_caption(mosquitto: Mosquitto, terminal: tuple[int, int]) -> None:
    pytest.importorskip("rich", reason="the extra watch is not installed")
    here, there = terminal
    environment = {**os.environ, "COLUMNS": "160", "LINES": "40", "TERM": "xterm-256color"}
    watch = subprocess.Popen(command(mosquitto), cwd=ROOT, stdout=there, stderr=there, env=environment)
    publish(mosquitto, "pi/cam/porch/caption", event(1, EVIL, confidence=0.5), retain=True)
    seen = b""

    def shows(what: bytes) -> bool:
        nonlocal seen
        if select.select([here], [], [], 0.1)[0]:
            seen += os.read(here, 65536)
        return what in seen

    wait_for(lambda: shows(rb"\u001b]0;owned"))
    watch.send_signal(signal.SIGINT)
    wait_for(lambda: shows(b"nothing") or watch.poll() is not None)
    assert watch.returncode == 0
    assert b"porch" in seen
    assert b"[red]runs[/red]" in seen
    assert b"\x1b]0;" not in seen
    assert "\x9b".encode() not in seen
    assert "\u202e".encode() not in seen
    # What the table itself sends: colours, lines up, lines cleared, the cursor hidden and shown.
    assert set(re.findall(rb"\x1b(.)", seen, re.DOTALL)) == {b"["}
    assert set(re.findall(rb"\x1b\[[0-9;?]*(.)", seen)) <= {b"m", b"A", b"K", b"l", b"h"}


def test_what_is_wrong_is_one_sentence(run_broker: RunBroker) -> None:
    closed = run_broker("allow_anonymous false")
    for arguments, says in (
        ([], "refused the login"),
        (["--prefix", "a/b"], "has '/' in it"),
        (["--broker", "nonsense"], "it begins with neither mqtt:// nor mqtts://"),
        (["--cert-file", "/nowhere"], "for mqtts:// only"),
        (["--seconds", "0"], "--seconds"),
    ):
        done = subprocess.run(
            command(closed, *arguments), cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
        )
        assert done.returncode in (1, 2)
        assert says in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr


def test_a_reader_who_leaves_ends_it(mosquitto: Mosquitto) -> None:
    publish(mosquitto, "pi/status", "online", retain=True)
    watch = subprocess.Popen(command(mosquitto), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert watch.stdout
    assert "pi is online" in watch.stdout.readline()
    watch.stdout.close()
    publish(mosquitto, "pi/status", "offline")
    publish(mosquitto, "pi/status", "online")
    assert watch.wait(20) == 0
    assert watch.stderr
    assert "Traceback" not in watch.stderr.read()
    watch.stderr.close()
