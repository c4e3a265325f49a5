"""One schedule: a writer that commits captions, and faults at random moments."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.broker import Broker
from benchmarks.faults.machine import Machine
from benchmarks.faults.proxy import Proxy
from benchmarks.faults.writer import DEATHS
from edge_caption.mqtt.broker import HOST
from edge_caption.outbox import Outbox

CAPTIONS = (20, 120)
"""At least and at most, of each life of the writer."""

FAULTS = (1, 6)

START_S = 2.0

POWER = 0.5
"""The share of the writer's deaths that are power cuts."""

WARM = 0.8
"""The share of lives in which the first fault waits for the first caption."""

END_S = 30.0
"""How long the last life may take to bring everything to the broker."""


@dataclass
class Outcome:
    """What a schedule came to."""

    faults: list[str] = field(default_factory=list)
    committed: set[int] = field(default_factory=set)
    """Sequences that the outbox promised to keep."""
    acknowledged: set[int] = field(default_factory=set)
    """Sequences that the broker said it has."""
    published: int = 0
    left: int = 0
    """Captions in the outbox at the end."""

    tracebacks: int = 0

    reused: int = 0
    """Sequences that were promised twice: what was promised first is lost under a number that looks complete."""

    @property
    def lost(self) -> set[int]:
        """Promised, and never brought to a broker."""
        return self.committed - self.acknowledged

    @property
    def failed(self) -> str:
        """What the guarantee doesn't allow; empty where all went well."""
        found = {"lost": sorted(self.lost), "ids taken twice": self.reused, "left": self.left}
        return ", ".join(f"{what} {how}" for what, how in {**found, "tracebacks": self.tracebacks}.items() if how)

    @property
    def duplicates(self) -> int:
        """Captions that were sent again."""
        return self.published - len(self.acknowledged)


class Schedule:
    """Broker, proxy and writer, and what befalls them."""

    def __init__(self, seed: int, folder: Path) -> None:
        """Draw everything from the seed; the operating system's timing remains its own."""
        self._chance = random.Random(seed)
        self._folder = folder
        self._broker = Broker(folder)
        self._proxy = Proxy(self._broker.port)
        self._machine = Machine(folder)
        self._printed = (folder / "printed").open("ab")
        self._log = (folder / "log").open("ab")
        self.outcome = Outcome()
        self._faults: dict[str, Callable[[], None]] = {
            "writer killed": self._kill_writer,
            "power cut": self._cut_power,
            "disk full": self._fill_disk,
            "clock forward": lambda: self._machine.set_clock(self._chance.uniform(1, 10**9)),
            "clock back": lambda: self._machine.set_clock(-self._chance.uniform(1, 10**9)),
            "broker killed": lambda: self._restart_broker(signal.SIGKILL),
            "broker restarted": lambda: self._restart_broker(signal.SIGTERM),
            "network cut": self._proxy.cut,
            "cut within a packet": self._cut_within,
            "acknowledgements held back": self._mute,
            "slow network": self._slow,
            "namesake": self._bring_namesake,
        }

    def run(self) -> Outcome:
        """Live through it."""
        with self._broker.serving():
            self._start_writer()
            for _ in range(self._chance.randint(*FAULTS)):
                time.sleep(self._chance.uniform(0, 0.15))
                name = self._chance.choice(list(self._faults))
                self.outcome.faults.append(name)
                self._faults[name]()
                if self._writer.poll() is not None:
                    self._mourn()
                    self._start_writer()
            self._proxy.mute, self._proxy.delay_s, self._proxy.cut_after = False, 0.0, None
            self._finish()
        self._proxy.close()
        self._printed.close()
        self._log.close()
        self.outcome.tracebacks = (self._folder / "log").read_text().count("Traceback")
        lines = (self._folder / "printed").read_text().split("\n")
        # A kill may have cut the last line of a life short: a number without its end was promised, too, but which?
        promised = [int(line) for line in lines[:-1] if line]
        self.outcome.committed = set(promised)
        self.outcome.reused = len(promised) - len(self.outcome.committed)
        self.outcome.acknowledged = self._proxy.acknowledged.sequences
        self.outcome.published = self._proxy.acknowledged.published
        return self.outcome

    def _start_writer(self, *, lives: bool = False) -> None:
        death = "never" if lives else self._chance.choice(DEATHS)
        captions = str(self._chance.randint(*CAPTIONS))
        if death != "never":
            self.outcome.faults.append(f"writer dies {death}")
        command = [sys.executable, "-m", "benchmarks.faults.writer", str(self._folder), str(self._proxy.port)]
        self._death = death
        self._writer = subprocess.Popen(
            [*command, captions, death], stdout=self._printed, stderr=self._log, env=self._machine.environment
        )
        # Mostly it is to be at work when the next fault comes, not still starting.
        if self._chance.random() < WARM and not lives:
            self._wait_for_output()

    def _wait_for_output(self) -> None:
        file = self._folder / "printed"
        before, until = file.stat().st_size, time.monotonic() + START_S
        while file.stat().st_size == before and self._writer.poll() is None and time.monotonic() < until:
            time.sleep(0.01)

    def _finish(self) -> None:
        """Let the last life bring everything to the broker."""
        self._kill_writer()
        self._start_writer(lives=True)
        try:
            self._writer.wait(END_S)
        except subprocess.TimeoutExpired:
            self._writer.kill()
            self._writer.wait()
        outbox = Outbox(self._folder / "outbox.db")
        self.outcome.left = outbox.depth
        outbox.close()

    def _kill_writer(self) -> None:
        self._writer.kill()
        self._writer.wait()

    def _mourn(self) -> None:
        """Make of one death in two a power cut: between commit and publish, or between acknowledgement and delete."""
        if self._writer.returncode == -signal.SIGKILL and self._chance.random() < POWER:
            self.outcome.faults.append(f"power cut {self._death}" if self._death != "never" else "power cut")
            self._machine.cut_power()

    def _cut_power(self) -> None:
        self._kill_writer()
        self._machine.cut_power()

    def _fill_disk(self) -> None:
        if self._writer.poll() is None:
            self._machine.fill_disk(self._writer.pid)
            time.sleep(self._chance.uniform(0, 0.2))
        if self._writer.poll() is None:
            self._machine.empty_disk(self._writer.pid)

    def _restart_broker(self, how: signal.Signals) -> None:
        self._broker.end(how)
        time.sleep(self._chance.uniform(0, 0.2))
        self._broker.start()

    def _cut_within(self) -> None:
        self._proxy.cut_after = self._chance.randint(1, 60)

    def _mute(self) -> None:
        self._proxy.mute = True
        time.sleep(self._chance.uniform(0, 0.2))
        self._proxy.cut()
        self._proxy.mute = False

    def _slow(self) -> None:
        self._proxy.delay_s = self._chance.uniform(0, 0.02)

    def _bring_namesake(self) -> None:
        """Another client with the writer's name throws it out."""
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        other = Client(CallbackAPIVersion.VERSION2, "edge_caption-pi")
        other.connect(HOST, self._broker.port)
        other.loop(0.05)
        other.disconnect()


def live_through(seed: int) -> Outcome:
    """Run one schedule in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="edge-caption-faults-") as folder:
        return Schedule(seed, Path(folder)).run()
