from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge_caption.node.board import Board
from tests.brokers import wait_for


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_a_board_that_tells_nothing_has_no_figures(tmp_path: Path, root: Path) -> None:
    figures = Board(tmp_path, root).measure(1.0)
    assert figures["disk_free_mb"] > 0
    assert figures["rss_mb"] == 0
    for name in ("temperature_c", "throttled", "power_w", "joules_per_caption"):
        assert figures[name] is None


def test_a_jetson_tells_power_and_temperature(tmp_path: Path, root: Path) -> None:
    sensor = root / "sys/bus/i2c/devices/1-0040"
    write(sensor / "name", "ina3221\n")
    for number, label, millivolts, milliamperes in ((1, "VDD_IN", 5000, 1200), (2, "VDD_CPU_GPU_CV", 5000, 300)):
        write(sensor / f"hwmon/hwmon3/in{number}_label", f"{label}\n")
        write(sensor / f"hwmon/hwmon3/in{number}_input", f"{millivolts}\n")
        write(sensor / f"hwmon/hwmon3/curr{number}_input", f"{milliamperes}\n")
    write(root / "sys/class/thermal/thermal_zone0/temp", "41500\n")
    write(root / "sys/class/thermal/thermal_zone1/temp", "47250\n")
    write(root / "sys/class/thermal/thermal_zone2/temp", "nonsense\n")
    figures = Board(tmp_path, root).measure(4.0)
    assert (figures["power_w"], figures["joules_per_caption"], figures["temperature_c"]) == (6.0, 1.5, 47.2)


def test_a_processor_without_zones_tells_its_temperature_by_hwmon(tmp_path: Path, root: Path) -> None:
    for number, (name, millidegrees) in enumerate((("nvme", 80_000), ("k10temp", 55_125), ("acpitz", 70_000))):
        write(root / f"sys/class/hwmon/hwmon{number}/name", f"{name}\n")
        write(root / f"sys/class/hwmon/hwmon{number}/temp1_input", f"{millidegrees}\n")
    assert Board(tmp_path, root).temperature_c() == 55.1
    write(root / "sys/class/thermal/thermal_zone0/temp", "41500\n")
    assert Board(tmp_path, root).temperature_c() == 41.5


def test_what_a_child_uses_counts_while_it_runs(tmp_path: Path) -> None:
    before = Board(tmp_path).cpu_s()
    command = [sys.executable, "-c", "while True: pass"]
    with subprocess.Popen(command) as child:
        try:
            wait_for(lambda: Board(tmp_path).cpu_s() - before > 0.5)
            own = time.process_time()
        finally:
            child.kill()
    after = Board(tmp_path).cpu_s()
    assert after - before > 0.5  # and none of it twice
    times = os.times()
    assert after == pytest.approx(time.process_time() + times.children_user + times.children_system, abs=0.2)
    assert own < after


def test_energy_of_a_counter_is_over_the_time_between(tmp_path: Path, root: Path) -> None:
    counter = root / "sys/class/powercap/intel-rapl:0/energy_uj"
    write(counter, "1000000")
    board = Board(tmp_path, root, span_s=1e-6)
    write(counter, "900001000000")
    assert board.measure(1.0)["power_w"] > 0
    write(counter, "5")  # it has begun again
    assert board.measure(1.0)["power_w"] is None


@pytest.mark.parametrize(("said", "throttled"), [("0x0", False), ("0x50000", False), ("0x50005", True), ("x", None)])
def test_a_raspberry_pi_tells_whether_it_slows_down_now(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch, said: str, throttled: bool | None
) -> None:
    command = tmp_path / "bin" / "vcgencmd"
    write(command, f"#!/bin/sh\necho throttled={said}\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}{os.pathsep}{os.environ['PATH']}")
    assert Board(tmp_path, root).measure(1.0)["throttled"] is throttled


def test_this_computer(tmp_path: Path) -> None:
    figures = Board(tmp_path).measure(1.0)
    assert 20 < figures["rss_mb"] < 10_000
    assert figures["cpu_percent"] >= 0
