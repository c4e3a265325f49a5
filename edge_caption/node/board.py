"""What the computer tells of itself: memory, processor, disk, temperature, power, throttling.

Jetson: INA3221 sensors through hwmon (`in*_label`, `in*_input` in mV, `curr*_input` in mA; VDD_IN is the whole board).
Raspberry Pi: `vcgencmd get_throttled`, whose bits 0 to 3 are of now. Intel: RAPL's energy counter.
"""

from __future__ import annotations

import math
import os
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path("/")
"""Where /sys and /proc are."""

THROTTLED_NOW = 0b1111
"""Bits of `vcgencmd get_throttled`: too little voltage, frequency capped, throttled, soft temperature limit."""

WHOLE_BOARD = ("VDD_IN", "VIN_SYS_5V0", "POM_5V_IN")
"""Labels of the rail that feeds everything, on the Jetson boards."""

PROCESSOR_CHIPS = ("coretemp", "cpu_thermal", "k10temp", "soc_thermal", "zenpower")
"""hwmon's names of processors; other chips are disks and radios."""

VCGENCMD_S = 2.0

CHILDREN_S = 1.0
"""Between two looks at the children's processor time."""

TICKS = os.sysconf("SC_CLK_TCK")

SPAN_S = 5.0
"""Rates of processor and energy are over at least so long."""


class Board:
    """Measures the computer and this process. For any thread: a figure that two ask for at once may be a moment old."""

    def __init__(self, disk: Path, root: Path | None = None, span_s: float = SPAN_S) -> None:
        """Take a folder on the disk that matters, where /sys and /proc are, and how long a rate is measured for."""
        self._disk, self._sys, self._proc, self._span_s = disk, (root or ROOT) / "sys", (root or ROOT) / "proc", span_s
        self._children = -math.inf, 0.0
        self._then = time.monotonic(), self.cpu_s(), self._rapl_uj()
        self._cpu_percent = 0.0
        self._processor_w: float | None = None
        self._vcgencmd = shutil.which("vcgencmd")

    def measure(self, fps: float) -> dict[str, Any]:
        """Return the board's part of `Health`.

        Args:
            fps: captions a second, for the energy of one.
        """
        self._measure_rates()
        rail_w = self._rail_w()
        power_w = self._processor_w if rail_w is None else rail_w
        return {
            "rss_mb": self._resident_mb(),
            "cpu_percent": self._cpu_percent,
            "disk_free_mb": self._free_mb(),
            "temperature_c": self.temperature_c(),
            "throttled": self._throttled(),
            "power_w": None if power_w is None else round(power_w, 2),
            "joules_per_caption": None if power_w is None or not fps else round(power_w / fps, 2),
        }

    def _measure_rates(self) -> None:
        at, cpu_s, energy_uj = self._then
        spent_s = time.monotonic() - at
        if spent_s < self._span_s:
            return
        self._then = time.monotonic(), self.cpu_s(), self._rapl_uj()
        _, cpu_now_s, energy_now_uj = self._then
        self._cpu_percent = round(100 * (cpu_now_s - cpu_s) / spent_s, 1)
        self._processor_w = None
        if energy_uj is not None and energy_now_uj is not None and energy_now_uj >= energy_uj:
            self._processor_w = (energy_now_uj - energy_uj) / 1e6 / spent_s

    def _resident_mb(self) -> float:
        """Return the process's resident memory in megabytes (10^6 bytes), 0 where the system does not tell."""
        text = _read(self._proc / "self" / "statm")
        return round(int(text.split()[1]) * resource.getpagesize() / 1e6, 1) if text else 0.0

    def _free_mb(self) -> float | None:
        try:
            return round(shutil.disk_usage(self._disk).free / 1e6, 1)
        except OSError:
            return None

    def cpu_s(self) -> float:
        """Return the processor time of this process and its children so far, in seconds."""
        now = time.monotonic()
        if now - self._children[0] >= CHILDREN_S:
            times = os.times()
            self._children = now, times.children_user + times.children_system + self._living_children_s()
        return time.process_time() + self._children[1]

    def _living_children_s(self) -> float:
        """Return what children used that still run, such as GStreamer; the system counts them once they have ended."""
        listed = (self._proc / "self" / "task").glob("*/children")
        stats = (_read(self._proc / child / "stat") for file in listed for child in _read(file).split())
        # Behind the program's name, which may hold anything: user, system and both of its own children.
        ticks = [sum(map(int, stat.rpartition(")")[2].split()[11:15])) for stat in stats]
        return sum(ticks) / TICKS

    def temperature_c(self) -> float | None:
        """Return the hottest zone's temperature, or the hottest sensor of a processor that has no zones."""
        zones = [_number(zone / "temp") for zone in (self._sys / "class" / "thermal").glob("thermal_zone*")]
        zones = zones if any(zone is not None for zone in zones) else [*self._chips()]
        degrees = [value / 1000 for value in zones if value is not None]
        return round(max(degrees), 1) if degrees else None

    def _chips(self) -> Iterator[float | None]:
        for name in (self._sys / "class" / "hwmon").glob("*/name"):
            if _read(name).strip() in PROCESSOR_CHIPS:
                yield from map(_number, name.parent.glob("temp*_input"))

    def _throttled(self) -> bool | None:
        """Return whether a Raspberry Pi slows down now; None on other boards."""
        if not self._vcgencmd:
            return None
        try:
            command = [self._vcgencmd, "get_throttled"]
            said = subprocess.run(command, capture_output=True, text=True, timeout=VCGENCMD_S, check=True).stdout
            return bool(int(said.partition("=")[2], 16) & THROTTLED_NOW)
        except (OSError, ValueError, subprocess.SubprocessError):
            return None

    def _rail_w(self) -> float | None:
        """Return what the board's input rail delivers, by a Jetson's INA3221."""
        for label in self._labels():
            if _read(label).strip() in WHOLE_BOARD:
                number = label.name.removeprefix("in").removesuffix("_label")
                millivolts = _number(label.with_name(f"in{number}_input"))
                milliamperes = _number(label.with_name(f"curr{number}_input"))
                if millivolts is not None and milliamperes is not None:
                    return millivolts * milliamperes / 1e6
        return None

    def _labels(self) -> Iterator[Path]:
        for name in (self._sys / "bus" / "i2c" / "devices").glob("*/name"):
            if "ina3221" in _read(name):
                yield from name.parent.glob("hwmon/hwmon*/in*_label")

    def _rapl_uj(self) -> float | None:
        return _number(self._sys / "class" / "powercap" / "intel-rapl:0" / "energy_uj")


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _number(file: Path) -> float | None:
    try:
        return float(_read(file))
    except ValueError:
        return None
