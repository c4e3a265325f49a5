from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.faults.command import measure
from benchmarks.faults.machine import Machine
from benchmarks.faults.proxy import Acknowledged, Packets
from edge_caption.outbox import Outbox

PUBLISH = bytes([0x32, 22, 0, 3]) + b"a/b" + bytes([0, 7, 0]) + b'{"id":"pi:12"}'


def test_a_stream_is_cut_into_packets_wherever_it_is_broken() -> None:
    long = bytes([0x30, 0xAC, 0x02]) + bytes(300)
    stream = PUBLISH + long + PUBLISH
    for size in (1, 2, 7, 1000):
        packets = Packets()
        pieces = [stream[place : place + size] for place in range(0, len(stream), size)]
        assert [packet for piece in pieces for packet in packets.feed(piece)] == [PUBLISH, long, PUBLISH]


def test_a_caption_counts_when_the_broker_acknowledged_that_very_message() -> None:
    found = Acknowledged()
    first = found.watch()
    first.out(PUBLISH)
    first.back(bytes([0x40, 2, 0, 8]))
    assert found.sequences == set()
    # Another connection begins its numbers anew.
    found.watch().back(bytes([0x40, 2, 0, 7]))
    assert found.sequences == set()
    first.back(bytes([0x40, 2, 0, 7]))
    assert found.sequences == {12}


def test_a_refusal_is_no_acknowledgement() -> None:
    found = Acknowledged()
    talk = found.watch()
    talk.out(PUBLISH)
    talk.back(bytes([0x40, 4, 0, 7, 0x87, 0]))
    assert found.sequences == set()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    if not shutil.which("cc"):
        pytest.skip("there is no C compiler")
    return Machine(tmp_path)


def run(machine: Machine, program: str, *arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, env=machine.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


COMMITS = """
import os, signal, sys
from pathlib import Path
from edge_caption.outbox import Outbox
outbox = Outbox(Path(sys.argv[1]))
if sys.argv[2] == "lazy":
    class Lazy:
        def __init__(self, real): self.real = real
        def __getattr__(self, name): return getattr(self.real, name)
        def execute(self, what, *values): return self.real.execute(what.replace("FULL", "NORMAL"), *values)
    outbox._database = Lazy(outbox._database)
for _ in range(3):
    outbox.commit("a", lambda sequence: b"%d" % sequence)
outbox.delete([1])
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("how", "kept"), [("durable", [1, 2, 3]), ("lazy", [])])
def test_a_power_cut_leaves_what_was_synced_and_nothing_else(
    machine: Machine, tmp_path: Path, how: str, kept: list[int]
) -> None:
    run(machine, COMMITS, tmp_path / "outbox.db", how).communicate()
    killed = Outbox(tmp_path / "outbox.db")
    assert [message.sequence for message in killed.pending()] == [2, 3]
    killed.close()
    machine.cut_power()
    cut = Outbox(tmp_path / "outbox.db")
    assert [message.sequence for message in cut.pending()] == kept
    cut.close()


def test_the_wall_clock_is_wrong_and_the_others_are_right(machine: Machine) -> None:
    program = "import time; input(); print(time.time(), time.monotonic(), flush=True); input(); print(time.time())"
    with run(machine, program) as process:
        assert process.stdin
        assert process.stdout
        for wrong in (1000.0, -50_000.0):
            machine.set_clock(wrong)
            process.stdin.write(b"\n")
            process.stdin.flush()
            said = [float(number) for number in process.stdout.readline().split()]
            assert said[0] == pytest.approx(time.time() + wrong, abs=5)
            assert said[1:] == pytest.approx([time.monotonic()] * len(said[1:]), abs=5)


def test_a_full_disk_refuses_until_there_is_room_again(machine: Machine, tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from edge_caption.errors import OutboxError
from edge_caption.outbox import Outbox
outbox = Outbox(Path(sys.argv[1]))
print("ready", flush=True)
for _ in range(2):
    input()
    try:
        print(outbox.commit("a", lambda sequence: bytes(20_000)).sequence, flush=True)
    except OutboxError as error:
        print(error, flush=True)
"""
    with run(machine, program, tmp_path / "outbox.db") as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        machine.fill_disk(process.pid)
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert b"free some space" in process.stdout.readline()
        machine.empty_disk(process.pid)
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"1\n"


@pytest.mark.skipif(
    not (shutil.which("mosquitto") or Path("/usr/sbin/mosquitto").exists()), reason="mosquitto is not installed"
)
def test_some_schedules_lose_nothing() -> None:
    found = measure(schedules=4, seed=1)
    assert (found["lost"], found["left_in_the_outbox"], found["tracebacks"]) == (0, 0, 0)
    assert found["ids_taken_twice"] == 0
    assert found["captions_promised"] > 100
    assert sum(found["faults"].values()) >= 4
